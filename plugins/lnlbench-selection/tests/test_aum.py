"""AUM: margins and thresholds against slow versions, the two phases, and planted noise."""

import pytest
import torch
from lnlbench_selection.aum import AUM, excess, margins, threshold_of
from planted import accuracy, planted_run

from lnlbench.testing.small_runs import make_embedding_run, make_run


def test_a_margin_is_the_distance_to_the_largest_other_logit():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(20, 6, generator=generator, dtype=torch.float64)
    labels = torch.randint(6, (20,), generator=generator)
    expected = [
        row[y] - max(value for k, value in enumerate(row) if k != y)
        for row, y in zip(logits.tolist(), labels.tolist(), strict=True)
    ]
    assert margins(logits, labels).tolist() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("count", "exceeding"), [(450, 0.01), (100, 0.01), (7, 0.01), (7, 0.3)])
def test_at_most_the_given_share_is_above_the_threshold(count, exceeding):
    generator = torch.Generator().manual_seed(0)
    areas = torch.randn(count, generator=generator)
    threshold = threshold_of(areas, exceeding)
    for value in [*areas.tolist(), -9.0, 9.0]:
        flagged = sum(area > value for area in areas.tolist()) / count > exceeding
        assert (value < threshold) == flagged


def test_only_samples_that_every_measurement_flags_are_below_zero():
    generator = torch.Generator().manual_seed(0)
    areas = torch.randn(2, 60, generator=generator)
    chosen = torch.zeros(2, 60, dtype=torch.bool)
    chosen[0, :10], chosen[1, 50:] = True, True
    values = excess(areas, chosen, 0.1)
    for i in range(60):
        flags = [
            (areas[r][chosen[r]] > areas[r, i]).float().mean() > 0.1
            for r in range(2)
            if not chosen[r, i]
        ]
        assert (values[i] < 0) == all(flags)


def test_threshold_samples_are_two_disjoint_sets_of_the_size_of_a_class():
    run = make_run(samples=50)
    method = AUM(AUM.Params())
    chosen = method._threshold_samples(run)
    assert chosen.sum(1).tolist() == [12, 12]
    assert not (chosen[0] & chosen[1]).any()


def test_measuring_skips_the_first_epoch_and_keeps_the_rate():
    rates, areas = [], []

    def finished(epoch):
        rates.append(method.optimizers[0].param_groups[0]["lr"])
        areas.append(method.areas.abs().sum().item())

    run = make_run(max_epochs=6, epoch_finished=finished)
    method = AUM(AUM.Params(measure_epochs=3))
    method.fit(run)
    assert rates[:3] == [0.1, 0.1, 0.1]
    assert areas[0] == 0 < areas[1]
    assert areas[2] == areas[5]
    assert method.optimizer.param_groups[0]["lr"] == pytest.approx(0.1 * 0.5**4)


def test_wrong_labels_are_left_out():
    run, right = planted_run(max_epochs=18, learning_rate_factor=lambda epoch: 1.0)
    method = AUM(AUM.Params(exceeding=0.05))
    method.fit(run)
    clean = run.labels == right
    kept = method.clean_probability() > method.clean_threshold()
    assert 0.6 < clean.float().mean() < 0.8
    assert clean[kept].float().mean() > 0.9
    assert kept[clean].float().mean() > 0.6
    criterion = method.criterion()
    assert torch.equal(criterion.values >= criterion.threshold, kept)
    assert method.trained_networks() == [method.network]
    assert accuracy(method, run, right) > 0.9


def test_heads_are_trained_on_frozen_features():
    run = make_embedding_run()
    AUM(AUM.Params()).fit(run)
    assert run.epoch == 2
