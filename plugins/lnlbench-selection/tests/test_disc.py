"""DISC: its division and its loss against slow versions, and what it does over a run."""

import pytest
import slow_selection as slow
import torch
from lnlbench_selection.disc import DISC, divide, margins, moved_thresholds, selected_loss
from planted import StrongAsWeak, accuracy, planted_run

from lnlbench.errors import UsageError
from lnlbench.interface.run import Run
from lnlbench.testing.small_runs import make_embedding_run, make_run

exactly = {"rel": 1e-5, "abs": 1e-6}


def draw(samples=200, classes=4, scale=3.0):
    generator = torch.Generator().manual_seed(0)
    logits = scale * torch.randn(2, samples, classes, generator=generator)
    labels = torch.randint(classes, (samples,), generator=generator)
    thresholds = torch.rand(2, samples, generator=generator)
    return logits, labels, thresholds


def test_thresholds_divide_the_samples_as_both_views_say():
    logits, labels, thresholds = draw()
    probabilities = logits.softmax(2)
    division = divide(probabilities, thresholds, labels, gap=0.1)
    kinds = torch.stack([division.clean, division.hard, division.purified])
    assert kinds.sum(0).max() == 1
    assert kinds.sum(1).min() > 5
    for i in range(200):
        rows, limits = probabilities[:, i].tolist(), thresholds[:, i].tolist()
        kind, label = slow.disc_division(*rows, *limits, int(labels[i]), 0.1)
        assert [bool(each[i]) for each in kinds] == [
            kind == name for name in ("clean", "hard", "purified")
        ]
        assert division.labels[i] == label


def test_a_correction_never_needs_more_than_a_confidence_of_99_hundredths():
    probabilities = torch.tensor([[[0.995, 0.005], [0.98, 0.02]]]).repeat(2, 1, 1)
    labels, thresholds = torch.tensor([1, 1]), torch.full((2, 2), 0.9)
    division = divide(probabilities, thresholds, labels, gap=0.5)
    assert division.purified.tolist() == [True, False]


def test_thresholds_follow_the_largest_probability():
    logits, _, thresholds = draw(samples=5)
    probabilities = logits.softmax(2)
    moved = moved_thresholds(thresholds, probabilities, 0.9)
    for view in range(2):
        expected = [
            0.9 * old + 0.1 * max(row)
            for old, row in zip(
                thresholds[view].tolist(), probabilities[view].tolist(), strict=True
            )
        ]
        assert moved[view].tolist() == pytest.approx(expected, **exactly)


def test_the_loss_weighs_clean_and_hard_samples_by_their_shares():
    logits, labels, _ = draw(samples=6)
    clean = torch.tensor([True, True, False, False, False, True])
    hard = torch.tensor([False, False, True, True, False, False])
    loss = selected_loss(logits, labels, clean, hard, hard_weight=0.4, q=0.7)
    expected = sum(
        slow.cross_entropy(row, y) * (kind == 1)
        + 0.4 * slow.generalized_cross_entropy(row, y, 0.7) * (kind == 2)
        for view in logits.tolist()
        for row, y, kind in zip(view, labels.tolist(), (clean + 2 * hard).tolist(), strict=True)
    )
    assert loss.item() == pytest.approx(expected / 6, **exactly)


def test_the_warm_up_learns_all_samples_of_both_views(monkeypatch):
    losses, original = [], Run.step

    def step(self, loss, *optimizers):
        losses.append(loss.item())
        original(self, loss, *optimizers)

    monkeypatch.setattr(Run, "step", step)
    run = make_run(samples=16, max_epochs=1)
    method = DISC(DISC.Params(warmup_epochs=1))
    method.fit(run)
    said = method.probabilities[:, torch.arange(16), run.labels]
    assert losses == pytest.approx([-said.log().sum(0).mean().item()], **exactly)


def test_wrong_labels_are_found_and_corrected():
    divisions = []
    run, right = planted_run(
        kind=StrongAsWeak,
        max_epochs=12,
        learning_rate_factor=lambda epoch: 1.0,
        epoch_finished=lambda epoch: divisions.append(method.division),
    )
    method = DISC(DISC.Params(momentum=0.7, warmup_epochs=2, gap=0.3))
    method.fit(run)
    clean = run.labels == right
    assert 0.6 < clean.float().mean() < 0.8
    trusted = method.clean_probability() > method.clean_threshold()
    assert torch.equal(trusted, method.division[0])
    assert clean[trusted].float().mean() > 0.9
    assert trusted[clean].float().mean() > 0.5
    corrected = [(labels == right)[purified] for _, _, purified, labels in divisions]
    assert sum(map(len, corrected)) > 100
    assert torch.cat(corrected).float().mean() > 0.9
    assert accuracy(method, run, right) > 0.9


def test_the_belief_is_that_of_the_division_although_thresholds_have_moved():
    run = make_run(max_epochs=2)
    thresholds = []
    original = DISC._divide

    def watched(self, run):
        thresholds.append(self.thresholds)
        return original(self, run)

    method = DISC(DISC.Params(warmup_epochs=1, momentum=0.5))
    method._divide = watched.__get__(method)
    method.fit(run)
    expected = margins(method.probabilities, thresholds[-1], run.labels).amin(0)
    assert torch.equal(method.criterion().values, expected)
    assert not torch.equal(method.thresholds, thresholds[-1])


def test_a_batch_without_selected_samples_takes_no_step():
    run = make_run(max_epochs=2)
    method = DISC(DISC.Params(warmup_epochs=1))
    nothing = torch.zeros(run.num_samples, dtype=torch.bool)
    original = method._divide
    method._divide = lambda run: original(run)._replace(
        clean=nothing, hard=nothing, purified=nothing
    )
    method.fit(run)
    assert run.epoch == 1
    assert run.steps == 0


def test_embeddings_are_refused():
    with pytest.raises(UsageError, match="strong"):
        DISC(DISC.Params()).fit(make_embedding_run())
