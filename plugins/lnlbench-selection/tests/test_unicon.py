"""UNICON: its formulas against slow versions, its selection, and what it does over a run."""

import math

import pytest
import slow_selection as slow
import torch
from lnlbench_selection.unicon import (
    UNICON,
    contrastive_loss,
    divergences,
    label_weight,
    selected_uniformly,
)
from planted import StrongAsWeak, accuracy, planted_run

from lnlbench.errors import UsageError
from lnlbench.testing.small_runs import make_embedding_run, make_run

exactly = {"rel": 1e-5, "abs": 1e-6}


def test_the_divergence_is_that_of_prediction_and_label():
    generator = torch.Generator().manual_seed(0)
    probabilities = (3 * torch.randn(20, 5, generator=generator)).softmax(1)
    labels = torch.randint(5, (20,), generator=generator)
    expected = [
        slow.jensen_shannon(row, slow.one_hot(int(y), 5))
        for row, y in zip(probabilities.tolist(), labels, strict=True)
    ]
    assert divergences(probabilities, labels).tolist() == pytest.approx(expected, **exactly)
    certain = torch.eye(2)
    ends = divergences(certain, torch.tensor([0, 0])).tolist()
    assert ends == pytest.approx([0, math.log(2)], abs=1e-6)


@pytest.mark.parametrize(("share", "quota"), [(0.5, 6), (0.05, 1), (1.0, 12)])
def test_every_class_gives_as_many_samples(share, quota):
    generator = torch.Generator().manual_seed(0)
    values = torch.rand(48, generator=generator)
    labels = torch.tensor([0] * 30 + [1] * 15 + [3] * 3)  # one class has no sample
    selected = selected_uniformly(values, labels, 4, share).nonzero().squeeze(1).tolist()
    assert set(selected) == slow.smallest_of_each_class(values.tolist(), labels.tolist(), quota)


def test_certain_labels_are_not_refined():
    weights = label_weight(torch.tensor([0.0, 0.4, 0.5, 0.6]), certain_below=0.5)
    assert weights.tolist() == pytest.approx([1, 1, 0.5, 0.4])


def test_contrast_looks_for_the_other_view_of_a_sample():
    first, second = torch.randn(2, 6, 3, generator=torch.Generator().manual_seed(0))
    loss = contrastive_loss(first, second, temperature=0.2)
    assert loss.item() == pytest.approx(slow.simclr(first.tolist(), second.tolist(), 0.2), rel=1e-4)


def test_both_networks_select_for_each_other_in_turn():
    run = make_run(samples=40, batch_size=16, max_epochs=2)
    method = UNICON(UNICON.Params(warmup_epochs=1))
    selections, original = [], method._select
    method._select = lambda run: selections.append(original(run)) or selections[-1]
    sizes, batches = [], run.batches

    def watched(*indices, **settings):
        sizes.append((run.epoch, [len(each) for each in indices], settings.get("batch_size")))
        return batches(*indices, **settings)

    run.batches = watched
    method.fit(run)
    assert len(selections) == 2
    assert [len(labeled) + len(unlabeled) for labeled, unlabeled, _ in selections] == [40, 40]
    for labeled, unlabeled, share in selections:
        assert (1, [len(labeled)], 8) in sizes
        assert (1, [len(unlabeled)], int(8 / (2 * share))) in sizes
    trusted = method.clean_probability() > method.clean_threshold()
    assert trusted.nonzero().squeeze(1).tolist() == selections[-1][0].tolist()
    assert method.trained_networks() == [method.network, method.peer]


def test_contrast_and_heads_learn_only_where_there_are_unlabeled_samples():
    run = make_run(samples=20, max_epochs=2)
    method = UNICON(UNICON.Params(warmup_epochs=1))
    everything = torch.arange(20), torch.arange(0), 1.0
    original = method._select
    method._select = lambda run: original(run) and everything
    heads = []
    make = method._head
    method._head = lambda run: heads.append(make(run)) or heads[-1]
    method.fit(run)
    assert run.steps == 2 * 3
    assert all(part.weight.grad is None for part, _ in heads)


def test_wrong_labels_are_found():
    run, right = planted_run(
        kind=StrongAsWeak, max_epochs=5, learning_rate_factor=lambda epoch: 1.0
    )
    method = UNICON(UNICON.Params(warmup_epochs=2, lambda_u=1.0))
    method.fit(run)
    clean = run.labels == right
    assert 0.6 < clean.float().mean() < 0.8
    trusted = method.clean_probability() > method.clean_threshold()
    assert clean[trusted].float().mean() > 0.9
    assert trusted[clean].float().mean() > 0.7
    counts = run.labels[trusted].bincount(minlength=4)
    assert counts.max() == counts.min()
    criterion = method.criterion()
    assert criterion.values[~clean].mean() > criterion.threshold > criterion.values[clean].mean()
    assert accuracy(method, run, right) > 0.9


def test_embeddings_are_refused():
    with pytest.raises(UsageError, match="strong"):
        UNICON(UNICON.Params()).fit(make_embedding_run())
