"""CORES: its loss and sieve against slow versions, its plan, and what it drops."""

import numpy as np
import pytest
import slow_losses as slow
import torch
from lnlbench_robust_losses.cores import Cores, regularized_loss, sieve_values
from planted import planted_run

from lnlbench.interface.run import Run
from lnlbench.pieces.confidence import regularizer_weight
from lnlbench.testing.small_runs import make_run

CLASSES = 5
exactly = {"rel": 1e-10, "abs": 1e-10}


def draw(samples=12):
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(samples, CLASSES, generator=generator, dtype=torch.float64)
    prior = torch.rand(CLASSES, generator=generator, dtype=torch.float64)
    return logits, torch.randint(CLASSES, (samples,), generator=generator), prior / prior.sum()


def test_the_sieve_compares_with_the_mean_over_all_labels():
    logits, labels, _ = draw()
    expected = [
        slow.cross_entropy(row, int(y)) - slow.mean(slow.stable(row, k, 1e-8) for k in range(5))
        for row, y in zip(logits.tolist(), labels, strict=True)
    ]
    assert sieve_values(logits, labels).tolist() == pytest.approx(expected, **exactly)


@pytest.mark.parametrize("weight", [0.0, 2.0])
def test_the_regularized_loss_is_the_mean_over_what_is_kept(weight):
    logits, labels, prior = draw()
    kept = torch.arange(12) % 3 > 0
    expected = slow.mean(
        slow.cross_entropy(row, int(y))
        - weight * sum(share * slow.stable(row, k, 1e-8) for k, share in enumerate(prior.tolist()))
        for row, y, keep in zip(logits.tolist(), labels, kept, strict=True)
        if keep
    )
    measured = regularized_loss(logits, labels, kept, prior, weight)
    assert measured.item() == pytest.approx(expected, **exactly)
    assert regularized_loss(logits, labels, kept & False, prior, weight) == 0


def test_the_weight_follows_the_authors_plan():
    plan = np.concatenate([np.zeros(10), np.linspace(0, 2, 30), np.full(60, 2.0)])
    measured = [regularizer_weight(epoch, 100, 2.0) for epoch in range(100)]
    assert measured == pytest.approx(plan.tolist(), **exactly)


def test_the_learning_rate_falls_as_the_weight_grows(monkeypatch):
    rates, original = [], Run.step

    def step(self, loss, optimizer):
        rates.append(optimizer.param_groups[0]["lr"])
        original(self, loss, optimizer)

    monkeypatch.setattr(Run, "step", step)
    run = make_run(samples=16, max_epochs=10, learning_rate_factor=lambda epoch: 1.0)
    Cores(Cores.Params()).fit(run)
    expected = [0.1 / (1 + regularizer_weight(epoch, 10, 2.0)) for epoch in range(10)]
    assert rates == pytest.approx(expected)


def test_wrong_labels_are_dropped_and_leave_the_prior():
    beliefs = []
    run, right = planted_run(
        max_epochs=20,
        learning_rate_factor=lambda epoch: 1.0,
        epoch_finished=lambda epoch: beliefs.append(method.clean_probability()),
    )
    method = Cores(Cores.Params())
    method.fit(run)
    assert [belief is None for belief in beliefs] == [True] * 6 + [False] * 14
    kept, clean = beliefs[-1] == 1, run.labels == right
    assert 0.6 < clean.float().mean() < 0.8
    assert clean[kept].float().mean() > 0.9
    assert kept[clean].float().mean() > 0.9
    counts = run.labels[kept].bincount(minlength=4).float()
    assert torch.allclose(method.prior, counts / counts.sum())
    criterion = method.criterion()
    assert torch.equal(criterion.values <= criterion.threshold, kept)


def test_a_sieve_that_drops_everything_is_survived():
    run = make_run(samples=16, max_epochs=1)
    method = Cores(Cores.Params())
    method.network = run.network()
    method.begin(run)
    method.weight, method.kept = 2.0, torch.zeros(16, dtype=torch.bool)
    method.end_epoch(run, 0)
    assert method.prior.tolist() == pytest.approx((run.labels.bincount() / 16).tolist())
    assert run.logged.means()["kept_share"] == 0
