"""MentorNet's curricula: thresholds, weights and dropout, against slow versions and by hand."""

import numpy as np
import pytest
import slow_methods as slow
import torch

from lnlbench.errors import UsageError
from lnlbench.interface.params import validate_params
from lnlbench.interface.run import Run
from lnlbench.methods.mentormix import MentorMix
from lnlbench.methods.mentornet import MentorNetPD
from lnlbench.pieces.curriculum import (
    CurriculumParams,
    drop_examples,
    dropout_rate,
    mentor_weights,
    percent_done,
    percentile,
    updated_threshold,
)
from lnlbench.testing.small_runs import make_run

RULES = ["predefined", "self-paced", "spcl-linear", "focal", "hard-mining", "baseline"]
NO_DROPOUT = ((0.0, 100),)


def draw_losses(samples=64, seed=0):
    return 3 * torch.rand(samples, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.7, 0.75, 1.0])
@pytest.mark.parametrize("samples", [1, 5, 7, 64, 128])
def test_the_percentile_is_the_nearest_rank(share, samples):
    losses = draw_losses(samples)
    assert percentile(losses, share).item() == pytest.approx(
        slow.percentile(losses.tolist(), share)
    )


def test_the_percentile_of_the_authors_batch_by_hand():
    losses = torch.arange(128.0).flip(0)
    assert [percentile(losses, share).item() for share in (0.75, 0.7, 0.5)] == [95, 89, 63]


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9])
def test_the_threshold_is_an_uncorrected_running_mean_from_zero(decay):
    params = CurriculumParams(percentile_decay=decay, loss_percentile=0.6)
    batches = [draw_losses(33, seed) for seed in range(12)]
    threshold, measured = torch.zeros(()), []
    for losses in batches:
        threshold = updated_threshold(threshold, losses, params)
        measured.append(threshold.item())
    reference = slow.thresholds([losses.tolist() for losses in batches], 0.6, decay)
    assert measured == pytest.approx(reference, rel=1e-5)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("percent", [0, 8, 9, 18, 19, 50, 89, 90, 99])
@pytest.mark.parametrize("burn_in", [0, 10])
def test_the_weight_of_every_sample(rule, percent, burn_in):
    params = CurriculumParams(curriculum=rule, burn_in=burn_in, spcl_gamma=0.7, focal_gamma=1.5)
    losses = draw_losses()
    losses[0] = 1.25  # exactly at the threshold
    measured = mentor_weights(losses, torch.tensor(1.25), percent, params)
    reference = [
        slow.weight(rule, loss, 1.25, percent, burn_in, 0.7, 1.5) for loss in losses.tolist()
    ]
    assert measured.tolist() == pytest.approx(reference, abs=1e-6)


def test_the_predefined_curriculum_by_hand():
    losses, threshold = torch.tensor([0.5, 1.0, 1.4, 3.0]), torch.tensor(1.0)

    def weights(percent):
        return mentor_weights(losses, threshold, percent, CurriculumParams()).tolist()

    assert weights(18) == [1, 1, 1, 1]
    assert weights(19) == weights(89) == [1, 1, 0, 0]
    assert weights(90) == pytest.approx([1, 1, 0.6, 0])


def test_time_is_counted_in_whole_percent():
    assert [percent_done(epoch, 0, 500, 39) for epoch in (0, 1, 38)] == [0, 2, 97]
    assert percent_done(38, 499, 500, 39) == 99
    assert percent_done(0, 250, 500, 1) == 50


@pytest.mark.parametrize("pairs", [((0.5, 17), (0.05, 83)), ((0.5, 17), (0.05, 78), (0.9, 5))])
def test_the_dropout_rate_of_every_percent(pairs):
    params = CurriculumParams(example_dropout=pairs)
    measured = [dropout_rate(percent, params) for percent in range(100)]
    assert measured == slow.dropout_table(pairs)


@pytest.mark.parametrize(
    "pairs", [[], [[0.5, 99]], [[0.5, 101]], [[1.0, 100]], [[0.1, 100], [0, 0]]]
)
def test_a_dropout_schedule_covers_the_training(pairs):
    with pytest.raises(UsageError, match="example_dropout"):
        validate_params("mentornet-pd", MentorNetPD.Params, {"example_dropout": pairs})


@pytest.mark.parametrize(("rate", "kept"), [(0.0, 128), (0.05, 121), (0.5, 64), (0.9, 12)])
def test_dropout_keeps_a_count_and_rescales_nothing(rate, kept):
    weights = torch.full((128,), 0.3)
    generator = torch.Generator().manual_seed(0)
    dropped = [drop_examples(weights, rate, generator) for _ in range(2)]
    for each in dropped:
        assert (each > 0).sum() == kept
        assert set(each.tolist()) <= {0.0, weights[0].item()}
    if rate > 0:
        assert not torch.equal(*dropped), "another subset in every batch"


def test_dropout_ignores_the_weights_it_drops():
    weights = torch.tensor([1.0] * 10 + [0.0] * 90)
    generator = torch.Generator().manual_seed(0)
    kept = [drop_examples(weights, 0.5, generator).sum().item() for _ in range(300)]
    assert np.mean(kept) == pytest.approx(5, abs=0.3)


@pytest.fixture
def steps(monkeypatch):
    """The losses that a method steps on."""
    values, original = [], Run.step

    def step(self, loss, optimizer):
        values.append(loss.item())
        original(self, loss, optimizer)

    monkeypatch.setattr(Run, "step", step)
    return values


@pytest.mark.parametrize("rule", ["predefined", "self-paced", "focal"])
def test_mentornet_steps_on_weighted_losses_over_the_batch_size(rule, steps):
    seen = []

    class Recorded(torch.nn.Linear):
        def forward(self, images):
            logits = super().forward(images.flatten(1))
            if self.training:
                seen.append(logits.tolist())
            return logits

    run = make_run(network=lambda: Recorded(3 * 32 * 32, 4), learning_rate_factor=lambda e: 1e-3)
    labels, original = [], run.batches

    def batches(**settings):
        for batch in original(**settings):
            labels.append(batch.labels.tolist())
            yield batch

    run.batches = batches
    params = MentorNetPD.Params(
        curriculum=rule, loss_percentile=0.7, example_dropout=NO_DROPOUT, percentile_decay=0.5
    )
    MentorNetPD(params).fit(run)
    losses = [
        [slow.cross_entropy(row, label) for row, label in zip(rows, given, strict=True)]
        for rows, given in zip(seen, labels, strict=True)
    ]
    assert [len(each) for each in losses] == [16, 16, 16, 2] * 3
    thresholds = slow.thresholds(losses, 0.7, 0.5)
    for number, (batch, threshold) in enumerate(zip(losses, thresholds, strict=True)):
        percent = 100 * (50 * (number // 4) + 16 * (number % 4)) // 150
        total = sum(slow.weight(rule, loss, threshold, percent) * loss for loss in batch)
        assert steps[number] == pytest.approx(total / len(batch), rel=1e-3, abs=1e-5)


def test_the_belief_is_the_weight_before_dropout():
    run = make_run(max_epochs=2)
    method = MentorNetPD(MentorNetPD.Params(curriculum="baseline", example_dropout=((0.9, 100),)))
    method.fit(run)
    assert (method.weights == 1).all()
    assert run.logged.means()["mean_weight"] < 0.15
    assert method.clean_probability() is None


@pytest.mark.parametrize("rule", RULES)
def test_rules_that_prefer_large_losses_are_no_belief(rule):
    for kind in (MentorNetPD, MentorMix):
        method = kind(kind.Params(curriculum=rule))
        method.weights = torch.ones(3)
        believes = rule in ("predefined", "self-paced", "spcl-linear")
        assert (method.clean_probability() is not None) == believes
