"""CORES*: its consistency against a slow version, its two phases, and planted noise."""

import math

import pytest
import slow_losses as slow
import torch
from lnlbench_robust_losses.cores_star import CoresStar, consistency
from planted import planted_run
from torch import nn

from lnlbench.errors import UsageError
from lnlbench.interface.batch import Batch
from lnlbench.interface.run import Run
from lnlbench.testing.small_runs import make_embedding_run, make_run

WEAK = CoresStar.recipes["weak"].params


def divergence(plain, augmented):
    total = 0.0
    for p, q in zip(slow.softmax(plain), slow.softmax(augmented), strict=True):
        total += p * math.log(p / q)
    return total


def test_augmented_views_are_pulled_towards_plain_ones_and_not_back():
    generator = torch.Generator().manual_seed(0)
    plain, augmented = torch.randn(2, 5, 4, generator=generator, dtype=torch.float64).unbind(0)
    plain.requires_grad_(), augmented.requires_grad_()
    loss = consistency(plain, augmented)
    pairs = zip(plain.tolist(), augmented.tolist(), strict=True)
    assert loss.item() == pytest.approx(slow.mean(divergence(*pair) for pair in pairs), rel=1e-10)
    loss.backward()
    assert plain.grad is None
    assert augmented.grad.abs().sum() > 0


def test_a_step_adds_both_losses_from_one_pass():
    method = CoresStar(CoresStar.Params(consistency_weight=2.0))
    method.second = nn.Sequential(nn.Flatten(), nn.Linear(6, 4))
    images = torch.randn(4, 3, 6, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 3])
    batch = Batch(index=labels, views=[images[0]], labels=labels)
    other = Batch(index=labels[:2], views=[images[1][:2], images[2][:2]], labels=labels[:2])
    said = [method.second(view).tolist() for view in (images[0], *other.views)]
    supervised = slow.mean(
        slow.cross_entropy(row, int(y)) for row, y in zip(said[0], labels, strict=True)
    )
    unsupervised = slow.mean(divergence(*pair) for pair in zip(*said[1:], strict=True))
    loss = method._loss(batch, other).item()
    assert loss == pytest.approx(supervised + 2 * unsupervised, rel=1e-5)
    assert method._loss(batch, None).item() == pytest.approx(supervised, rel=1e-5)


def test_the_second_network_warms_its_rate_up_and_then_follows_the_whole_schedule(monkeypatch):
    seen, original = [], Run.step

    def step(self, loss, optimizer):
        seen.append((self.epoch, optimizer.param_groups[0]["lr"]))
        original(self, loss, optimizer)

    monkeypatch.setattr(Run, "step", step)
    run = make_run(samples=16, max_epochs=6, learning_rate_factor=lambda epoch: 1 - epoch / 6)
    params = CoresStar.Params(
        sieve_epochs=2, warmup_epochs=9, lr_warmup_share=0.5, sieve_lr=0.03, **WEAK
    )
    CoresStar(params).fit(run)
    assert seen[0] == (0, pytest.approx(0.03))
    rates = [rate for epoch, rate in seen if epoch >= 2]
    expected = [0.1 * share for share in (0.5 * 1, 1.0 * 0.75, 0.5, 0.25)]
    assert rates == pytest.approx(expected)


def test_wrong_labels_are_dropped_and_the_second_network_is_right():
    run, right = planted_run(max_epochs=40, learning_rate_factor=lambda epoch: 1.0)
    method = CoresStar(CoresStar.Params(**WEAK))
    method.fit(run)
    clean, kept = run.labels == right, method.clean_probability() > 0.5
    assert 0.6 < clean.float().mean() < 0.8
    assert clean[kept].float().mean() > 0.85
    assert kept[clean].float().mean() > 0.9
    assert method.trained_networks() == [method.second]
    method.second.eval()
    batches = run.batches(views=1, augment="none", shuffle=False)
    with torch.no_grad():
        predicted = torch.cat([method.predict(batch.views[0]).argmax(1) for batch in batches])
    assert (predicted == right).float().mean() > 0.9


def test_a_sieve_that_drops_everything_is_survived(monkeypatch):
    drop = lambda logits, labels: torch.ones(len(labels))  # noqa: E731
    monkeypatch.setattr("lnlbench_robust_losses.cores.sieve_values", drop)
    run = make_run(max_epochs=3)
    CoresStar(CoresStar.Params(sieve_epochs=1, warmup_epochs=0, **WEAK)).fit(run)
    assert "empty labeled set" in {event.event for event in run.events}
    assert run.steps == 1


def test_embeddings_take_weak_views_and_refuse_strong_ones():
    with pytest.raises(UsageError, match="strong"):
        CoresStar(CoresStar.Params()).fit(make_embedding_run())
    run = make_embedding_run()
    CoresStar(CoresStar.Params(**WEAK)).fit(run)
    assert run.epoch == 2
