"""Neighbors by blocks against the whole similarity matrix, and what their votes say of labels."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from lnlbench.methods.knn import NeighborVote
from lnlbench.methods.linear_probe import LinearProbe
from lnlbench.pieces import neighbors
from lnlbench.pieces.neighbors import Neighbors, nearest, to_units, vote
from lnlbench.testing.small_runs import make_run


def units(count, dimension=16, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return to_units(torch.randn(count, dimension, generator=generator))


@settings(max_examples=25)
@given(st.integers(2, 40), st.integers(1, 12), st.integers(1, 9), st.integers(1, 9), st.booleans())
def test_blocks_find_what_the_whole_matrix_has(count, wanted, queries, others, exclude_self):
    bank = units(count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbors, "_QUERIES", queries)
        patch.setattr(neighbors, "_OTHERS", others)
        patch.setattr(neighbors, "_RANKED", 5)
        found = nearest(bank, bank, wanted, exclude_self)
    similarity = bank.float() @ bank.float().T
    if exclude_self:
        similarity.fill_diagonal_(-torch.inf)
    expected = similarity.topk(min(wanted, count - exclude_self)).values
    torch.testing.assert_close(found.similarity, expected, atol=1e-4, rtol=0)
    torch.testing.assert_close(similarity.gather(1, found.index), found.similarity)


def test_other_queries_than_the_others_keep_their_twin():
    bank = units(30)
    found = nearest(bank[:7], bank, 3)
    assert torch.equal(found.index[:, 0], torch.arange(7))


def test_votes_are_weighted_by_similarity_and_negative_ones_do_not_count():
    found = Neighbors(
        index=torch.tensor([[0, 1, 2], [2, 0, 1]]),
        similarity=torch.tensor([[0.6, 0.3, -0.9], [-0.1, -0.2, -0.3]]),
    )
    shares = vote(found, torch.tensor([1, 0, 2]), 4)
    expected = torch.tensor([[1 / 3, 2 / 3, 0, 0], [0.25, 0.25, 0.25, 0.25]])
    torch.testing.assert_close(shares, expected)


def clustered(samples=120, flipped=24):
    """A run on images of four colors, and which labels are wrong."""
    generator = torch.Generator().manual_seed(3)
    truth = torch.arange(samples) % 4
    colors = torch.tensor([[230.0, 20, 20], [20, 230, 20], [20, 20, 230], [20, 20, 20]])
    images = colors[truth].view(-1, 3, 1, 1) + 20 * torch.randn(
        samples, 3, 32, 32, generator=generator
    )
    wrong = torch.zeros(samples, dtype=torch.bool)
    wrong[torch.randperm(samples, generator=generator)[:flipped]] = True
    labels = torch.where(wrong, (truth + 1) % 4, truth)
    views = neighbor_views(images.clamp(0, 255).to(torch.uint8))
    return make_run(samples=samples, labels=labels, views=views), truth, wrong


def neighbor_views(images):
    from lnlbench.augment.views import ImageViews

    return ImageViews(images, (0.5,) * 3, (0.25,) * 3, "crop-flip", torch.device("cpu"))


@pytest.mark.parametrize("passes", [1, 3])
def test_wrong_labels_stand_out_among_their_neighbors(passes):
    run, _, wrong = clustered()
    believed_wrong = neighbors.divide_by_neighbors(run, 10, passes) < 0.5
    assert (believed_wrong == wrong).float().mean() > 0.95


@given(st.integers(0, 2**32 - 1), st.integers(2, 6))
def test_a_label_is_believed_when_it_wins_the_vote(seed, classes):
    generator = torch.Generator().manual_seed(seed)
    shares = torch.rand(20, classes, generator=generator) * (
        torch.rand(20, classes, generator=generator) < 0.7
    )
    labels = torch.randint(classes, (20,), generator=generator)
    belief = neighbors.vote_belief(shares, labels)
    for share, label, value in zip(shares.tolist(), labels.tolist(), belief.tolist(), strict=True):
        own = share.pop(label)
        if own == max(share) == 0:
            assert value == 0.5
        else:
            assert value == pytest.approx(own / (own + max(share)), abs=1e-6)
            assert (value > 0.5) == (own > max(share))


def test_a_sample_does_not_vote_for_itself():
    run, _, wrong = clustered()
    shares = neighbors.neighborhood_shares(run, 1, 1)
    own = shares.gather(1, run.labels.unsqueeze(1)).squeeze(1)
    assert own[wrong].mean() < 0.5


def test_the_vote_of_the_nearest_classifies_despite_wrong_labels():
    run, truth, _ = clustered()
    module = NeighborVote(neighbors.unit_features(run), run.labels, 4, 15)
    images = torch.cat([b.views[0] for b in run.batches(views=1, augment="none", shuffle=False)])
    assert torch.equal(module(images).argmax(1), truth)
    assert module.state_dict() == {}  # a checkpoint does not hold the training set


@pytest.mark.parametrize("present", [[0, 1, 2, 3], [1, 2, 3], [0, 2], [3]])
def test_the_linear_probe_is_scikit_learns_for_any_classes_present(present):
    generator = torch.Generator().manual_seed(0)
    labels = torch.tensor(present)[torch.randint(len(present), (60,), generator=generator)]
    run = make_run(samples=60, labels=labels)
    method = LinearProbe(LinearProbe.Params(max_iterations=500))
    method.fit(run)
    images = torch.cat([b.views[0] for b in run.batches(views=1, augment="none", shuffle=False)])
    with torch.inference_mode():
        probabilities = method.predict(images).softmax(1)
    if len(present) == 1:
        assert (probabilities.argmax(1) == present[0]).all()
        return
    model = LogisticRegression(C=1e-3, max_iter=500).fit(images.flatten(1).numpy(), labels.numpy())
    expected = torch.from_numpy(model.predict_proba(images.flatten(1).numpy())).float()
    torch.testing.assert_close(probabilities[:, present], expected, atol=1e-3, rtol=1e-3)
