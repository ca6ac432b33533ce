"""SOP and SOP+: their formulas against slow versions, and the variables over a run."""

import math

import pytest
import slow_early_learning as slow
import torch
from lnlbench_early_learning.sop import SOP
from lnlbench_early_learning.sop_plus import SOPPlus
from recording import CLASSES, Recorded, draw, mean

from lnlbench.errors import UsageError
from lnlbench.spec.run_spec import build_spec
from lnlbench.testing import check_method
from lnlbench.testing.small_runs import make_embedding_run, make_run
from lnlbench.tracks.schedule import learning_rate_factor


@pytest.mark.slow
@pytest.mark.parametrize("method", [SOP, SOPPlus], ids=["sop", "sop-plus"])
def test_every_check_passes(method):
    # From a larger start the variables tell samples apart within the few steps of a check.
    check_method(method, {"start_scale": 0.1})


def variables(samples=12, seed=3, scale=0.5):
    generator = torch.Generator().manual_seed(seed)
    u = scale * torch.randn(samples, generator=generator)
    v = scale * torch.randn(samples, CLASSES, generator=generator)
    u[0], v[1] = 3.0, -2.0  # beyond what a square may be
    return u.requires_grad_(), v.requires_grad_()


def test_sops_loss():
    (logits, labels), (u, v) = draw(), variables()
    expected = slow.sop_loss(logits.tolist(), labels.tolist(), u.tolist(), v.tolist())
    measured = SOP(SOP.Params()).loss(logits, labels, u, v)
    assert measured.item() == pytest.approx(expected, rel=1e-4)


def test_cross_entropy_moves_u_and_not_v_and_the_residual_moves_both():
    """Gradients of u and v against differences of the slow loss, v's without cross-entropy."""
    (logits, labels), (u, v) = draw(), variables()
    SOP(SOP.Params()).loss(logits, labels, u, v).backward()
    rows, ys = logits.tolist(), labels.tolist()
    step = 1e-5

    def slope(of, i, k=None):
        values = []
        for sign in (1, -1):
            one, many = u.double().tolist(), v.double().tolist()
            if k is None:
                one[i] += sign * step
            else:
                many[i][k] += sign * step
            values.append(of(one, many))
        return (values[0] - values[1]) / (2 * step)

    def whole(one, many):
        return slow.sop_loss(rows, ys, one, many)

    def residuals(one, many):
        return mean(
            slow.residual(row, y, slow.noise(a, b, y))
            for row, y, a, b in zip(rows, ys, one, many, strict=True)
        )

    for i in range(len(ys)):
        assert u.grad[i].item() == pytest.approx(slope(whole, i), rel=1e-3, abs=1e-5)
        for k in range(CLASSES):
            assert v.grad[i, k].item() == pytest.approx(slope(residuals, i, k), rel=1e-3, abs=1e-5)
    assert u.grad[0] == 0  # a square beyond 1 is cut, and stays


def test_sop_plus_adds_both_terms():
    (weak, labels), (strong, _), (u, v) = draw(), draw(seed=5), variables()
    given = (weak.tolist(), labels.tolist(), u.tolist(), v.tolist())
    expected = slow.sop_loss(*given) + 0.2 * slow.balance(*given)
    expected += 0.5 * mean(
        slow.divergence(*pair) for pair in zip(weak.tolist(), strong.tolist(), strict=True)
    )
    params = SOPPlus.Params(consistency_weight=0.5, balance_weight=0.2)
    measured = SOPPlus(params).loss(torch.cat([weak, strong]), labels, u, v)
    assert measured.item() == pytest.approx(expected, rel=1e-4)


def test_the_weak_view_is_not_pulled_towards_the_strong_one():
    (weak, labels), (strong, _) = draw(), draw(seed=5)
    logits = torch.cat([weak, strong]).requires_grad_()
    u, v = variables()
    plain = weak.clone().requires_grad_()
    SOP(SOP.Params()).loss(plain, labels, u, v).backward()
    params = SOPPlus.Params(consistency_weight=0.9, balance_weight=0)
    SOPPlus(params).loss(logits, labels, u, v).backward()
    assert torch.allclose(logits.grad[:12], plain.grad, atol=1e-6)
    assert (logits.grad[12:].abs().sum(1) > 0).all()


def test_variables_take_plain_steps_for_the_samples_of_each_batch():
    run = make_run(samples=10, batch_size=4, max_epochs=1, network=Recorded)
    method = SOP(SOP.Params(start_scale=0.3, lr_u=0.5, lr_v=2.0))
    seen, original = [], SOP._descend

    def descend(self, index, u, v):
        before = self.u.clone(), self.v.clone()
        original(self, index, u, v)
        seen.append((index, u, v, before, (self.u.clone(), self.v.clone())))

    method._descend = descend.__get__(method)
    method.fit(run)
    assert sorted(torch.cat([index for index, *_ in seen]).tolist()) == list(range(10))
    for index, u, v, before, after in seen:
        others = torch.ones(10, dtype=torch.bool)
        others[index] = False
        for old, new in zip(before, after, strict=True):
            assert torch.equal(old[others], new[others])
        assert torch.allclose(after[0][index], before[0][index] - 0.5 * u.grad)
        assert torch.allclose(after[1][index], before[1][index] - 2.0 * v.grad)
        assert u.grad.abs().max() > 0
    belief = [1 - min(value * value, 1) for value in method.u.tolist()]
    assert method.clean_probability().tolist() == pytest.approx(belief, abs=1e-5)


def test_variables_start_small_and_differ_by_seed():
    def started(seed):
        run = make_run(samples=400, max_epochs=0, network=Recorded, seed=seed)
        method = SOP(SOP.Params())
        method.fit(run)
        return method

    one, other = started(0), started(1)
    assert one.u.std().item() == pytest.approx(1e-8, rel=0.2)
    assert one.v.std().item() == pytest.approx(1e-8, rel=0.2)
    assert not torch.equal(one.u, other.u)
    assert not torch.equal(one.u, one.v[:, 0])


def test_noise_of_a_wrong_label_is_found():
    """A network that is sure of another class: u takes the label's noise up within some steps."""
    logits, label = torch.tensor([[9.0, 0.0, 0.0, 0.0]]), torch.tensor([1])
    u, v = torch.full((1,), 1e-3), torch.full((1, CLASSES), 1e-3)
    method = SOP(SOP.Params())
    for _ in range(60):
        u, v = u.detach().requires_grad_(), v.detach().requires_grad_()
        method.loss(logits, label, u, v).backward()
        u, v = u - 0.1 * u.grad, v - 0.1 * v.grad
    assert u.square().item() > 0.9
    assert v[0, 0].square().item() > 0.9
    assert math.isclose(v[0, 2].item(), 0, abs_tol=0.01)


def test_sop_trains_a_head_on_frozen_features_and_sop_plus_says_why_it_cannot():
    run = make_embedding_run()
    SOP(SOP.Params()).fit(run)
    assert run.epoch == 2
    run = make_embedding_run()
    with pytest.raises(UsageError, match=r"On a track of embeddings there are no 'strong' views"):
        refused = SOPPlus(SOPPlus.Params())
        refused.fit(run)
    assert "strong" in refused.augmentations(), "a sweep asks before it starts anything"
    assert not hasattr(refused, "network"), "refused before anything is built"


@pytest.mark.parametrize("method", [SOP, SOPPlus], ids=["sop", "sop-plus"])
def test_the_native_schedule_is_the_authors_cosine(method):
    for track in ("cifar100n-resnet34", "digits"):
        protocol = build_spec(method, track, "native").protocol
        assert (protocol.epochs, protocol.backbone) == (300, "preact-resnet18")
        rates = [protocol.optimizer.lr * learning_rate_factor(protocol, e) for e in (0, 150, 300)]
        assert rates == pytest.approx([0.02, (0.02 + 0.0002) / 2, 0.0002])
