"""SSR: its formulas against slow versions, its selection over a run, and what it finds."""

from collections import Counter

import pytest
import slow_selection as slow
import torch
from lnlbench_selection.ssr import (
    SSR,
    balanced_indices,
    balanced_shares,
    consistency_loss,
    relabeled,
    votes_against_best,
)
from planted import accuracy, planted_run

from lnlbench.errors import UsageError
from lnlbench.pieces import mixup
from lnlbench.testing.small_runs import make_embedding_run, make_run

exactly = {"rel": 1e-6, "abs": 1e-6}


def test_only_confident_predictions_replace_a_label():
    probabilities = torch.tensor([[0.95, 0.05], [0.9, 0.1], [0.2, 0.8], [0.04, 0.96]])
    labels = torch.tensor([1, 1, 0, 1])
    assert relabeled(labels, probabilities, 0.9).tolist() == [0, 1, 0, 1]


def test_neighbors_vote_in_inverse_proportion_to_their_classes():
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(4, (30,), generator=generator)  # the fifth class has no sample
    neighbors = torch.stack([torch.randperm(30, generator=generator)[:9] for _ in range(30)])
    shares = balanced_shares(neighbors, labels, 5)
    ratios = votes_against_best(shares, labels)
    for i in range(30):
        expected = slow.balanced_vote(neighbors[i].tolist(), labels.tolist(), 5)
        assert shares[i].tolist() == pytest.approx(expected, **exactly)
        own = expected[int(labels[i])] / max(expected)
        assert ratios[i].item() == pytest.approx(own, **exactly)


def test_selected_classes_are_made_equally_large():
    labels = torch.tensor([0] * 7 + [1] * 3 + [2] * 5)
    selected = torch.tensor([0, 1, 2, 3, 4, 7, 8, 9])
    generator = torch.Generator().manual_seed(0)
    draws = [balanced_indices(selected, labels, generator).tolist() for _ in range(8)]
    for draw in draws:
        assert set(draw) == set(selected.tolist())
        assert Counter(labels[draw].tolist()) == {0: 5, 1: 5}
        assert sorted(Counter(draw)[i] for i in (7, 8, 9)) == [1, 2, 2]
    assert len({Counter(draw)[7] for draw in draws}) == 2


def test_consistency_is_a_cosine_that_moves_one_side_alone():
    generator = torch.Generator().manual_seed(0)
    predicted, projected = torch.randn(2, 5, 3, generator=generator).unbind(0)
    predicted.requires_grad_(), projected.requires_grad_()
    loss = consistency_loss(predicted, projected)
    rows = zip(predicted.tolist(), projected.tolist(), strict=True)
    assert loss.item() == pytest.approx(-slow.mean(slow.cosine(a, b) for a, b in rows), **exactly)
    loss.backward()
    assert predicted.grad.abs().sum() > 0
    assert projected.grad is None


def test_mixed_views_learn_the_mixed_labels():
    run = make_run()
    method = SSR(SSR.Params())
    method.network = run.network()
    views = list(torch.randn(2, 6, 3, 32, 32, generator=torch.Generator().manual_seed(1)))
    labels = torch.tensor([0, 1, 2, 3, 0, 1])
    state = run.generator.get_state()
    loss = method._mixup_loss(run, views, labels)
    run.generator.set_state(state)
    share = mixup.draw_share(4.0, run.generator)
    partners = mixup.draw_partners(12, run.generator, run.device).tolist()
    images = torch.cat(views)
    blend = torch.stack(
        [share * images[i] + (1 - share) * images[j] for i, j in enumerate(partners)]
    )
    targets = slow.mixed([slow.one_hot(y, 4) for y in labels.tolist() * 2], share, partners)
    said = method.network(blend).tolist()
    expected = slow.mean(slow.soft_cross_entropy(*pair) for pair in zip(said, targets, strict=True))
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_wrong_labels_are_found_and_replaced():
    run, right = planted_run(max_epochs=6, learning_rate_factor=lambda epoch: 1.0)
    labels = []
    method = SSR(SSR.Params(augmentation="weak", relabel_threshold=0.8))
    select = method._select
    method._select = lambda run: labels.append(select(run)) or labels[-1]
    method.fit(run)
    clean = run.labels == right
    assert 0.6 < clean.float().mean() < 0.8
    belief = method.clean_probability()
    trusted = belief > method.clean_threshold()
    assert clean[trusted].float().mean() > 0.9
    assert trusted[clean].float().mean() > 0.6
    new, selected = labels[-1]
    replaced = new != run.labels
    assert replaced.sum() > 50
    assert (new == right)[replaced].float().mean() > 0.9
    assert not belief[replaced].any()
    criterion = method.criterion()
    kept = torch.zeros_like(clean).index_fill_(0, selected, True) & ~replaced
    assert torch.equal((criterion.values >= criterion.threshold)[~replaced], kept[~replaced])
    assert torch.equal(trusted, kept)
    assert accuracy(method, run, right) > 0.9


def test_relabeling_starts_from_the_given_labels_in_every_epoch():
    run, _ = planted_run()
    method = SSR(SSR.Params())
    next(run.epochs())
    sure = torch.zeros(run.num_samples, 4).index_fill_(1, torch.tensor([2]), 1.0)
    features = torch.nn.functional.one_hot(run.labels, 4).half()
    looks = iter([sure, torch.full_like(sure, 0.25)])
    method._look = lambda run: (next(looks), features)
    assert set(method._select(run)[0].tolist()) == {2}
    assert torch.equal(method._select(run)[0], run.labels)


def test_an_empty_selection_is_survived(monkeypatch):
    nothing = lambda shares, labels: torch.zeros(len(labels))  # noqa: E731
    monkeypatch.setattr("lnlbench_selection.ssr.votes_against_best", nothing)
    run = make_run(max_epochs=1)
    SSR(SSR.Params()).fit(run)
    assert run.steps == 4
    assert [event.event for event in run.events] == ["empty selection"]


def test_embeddings_take_weak_views_and_refuse_strong_ones():
    with pytest.raises(UsageError, match="strong"):
        SSR(SSR.Params()).fit(make_embedding_run())
    run = make_embedding_run()
    SSR(SSR.Params(**SSR.recipes["weak"].params)).fit(run)
    assert run.epoch == 2


@pytest.mark.parametrize(("given", "samples", "expected"), [(None, 400, 50), (7, 400, 7)])
def test_a_neighborhood_is_at_most_half_a_class(monkeypatch, given, samples, expected):
    counts = []

    def nearest(queries, others, count):
        counts.append(count)
        return original(queries, others, count)

    from lnlbench_selection import ssr

    original = ssr.nearest
    monkeypatch.setattr(ssr, "nearest", nearest)
    run, _ = planted_run(samples=samples, max_epochs=1)
    SSR(SSR.Params(augmentation="weak", neighbors=given)).fit(run)
    assert counts == [expected]
