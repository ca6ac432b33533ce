"""ELR+, SOP and SOP+: their formulas against slow versions, and what they do over a run."""

import math

import pytest
import slow_early_learning as slow
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lnlbench_early_learning import register_methods
from lnlbench_early_learning.elr_plus import (
    RAMPUP_SHARE,
    ELRPlus,
    early_learning_penalty,
    move_average,
    soft_cross_entropy,
    updated_targets,
    weighted_labels,
)
from lnlbench_early_learning.mixing import Mixing, draw_mixing, sigmoid_rampup
from lnlbench_early_learning.sop import SOP
from lnlbench_early_learning.sop_plus import SOPPlus
from tiny import make_run
from torch import nn

from lnlbench.errors import UsageError
from lnlbench.run import Run
from lnlbench.testing import check_method

CLASSES = 4


def draw(samples=12, classes=CLASSES, seed=0, scale=3.0):
    generator = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(samples, classes, generator=generator)
    return logits, torch.randint(classes, (samples,), generator=generator)


def mean(values):
    values = list(values)
    return sum(values) / len(values)


class Recorded(nn.Linear):
    """A linear network that remembers what it was shown and what it said."""

    def __init__(self):
        super().__init__(3072, CLASSES)
        self.seen, self.said = [], []

    def forward(self, images):
        logits = super().forward(images.flatten(1))
        self.seen.append(images.flatten(1).tolist())
        self.said.append(logits.tolist())
        return logits


@pytest.fixture
def losses(monkeypatch):
    """The loss of every step of a run."""
    seen, original = [], Run.step

    def step(self, loss, optimizer):
        seen.append(loss.item())
        original(self, loss, optimizer)

    monkeypatch.setattr(Run, "step", step)
    return seen


def recorded_order(run):
    """Indices of every batch that the run gives, in order."""
    orders, batches = [], run.batches

    def recorded(**settings):
        for batch in batches(**settings):
            orders.append(batch.index.tolist())
            yield batch

    run.batches = recorded
    return orders


@pytest.mark.slow
@pytest.mark.parametrize("method", register_methods(), ids=lambda method: method.name)
def test_every_check_passes(method):
    check_method(method)


# ELR+


@given(st.floats(0, 2), st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_the_ramp(position, length):
    expected = slow.ramp(position / length) if length else 1.0
    assert sigmoid_rampup(position, length) == pytest.approx(expected)
    assert sigmoid_rampup(position, length) <= sigmoid_rampup(position + 0.1, length)


def test_mixing_keeps_the_larger_share_and_permutes():
    generator = torch.Generator().manual_seed(0)
    drawn = [draw_mixing(9, 1.0, generator) for _ in range(200)]
    shares = torch.tensor([each.share for each in drawn])
    assert shares.min() >= 0.5
    assert shares.mean().item() == pytest.approx(0.75, abs=0.02)  # of a uniform λ
    assert all(sorted(each.partners.tolist()) == list(range(9)) for each in drawn)
    values = draw(9)[0]
    expected = slow.mixed(values.tolist(), drawn[0].share, drawn[0].partners.tolist())
    assert torch.allclose(drawn[0](values), torch.tensor(expected), atol=1e-5)


def test_targets_labels_and_penalty():
    logits, labels = draw()
    old = draw(seed=1)[0].softmax(1)
    updated = updated_targets(old, logits, 0.9)
    expected = [slow.target(*pair, 0.9) for pair in zip(old.tolist(), logits.tolist(), strict=True)]
    assert torch.allclose(updated, torch.tensor(expected), atol=1e-6)
    soft = Mixing(0.7, torch.arange(12).roll(1))(nn.functional.one_hot(labels, CLASSES).float())
    expected = [slow.weighted(*pair) for pair in zip(soft.tolist(), updated.tolist(), strict=True)]
    assert torch.allclose(weighted_labels(soft, updated), torch.tensor(expected), atol=1e-6)
    pairs = list(zip(logits.tolist(), soft.tolist(), strict=True))
    expected = mean(slow.soft_cross_entropy(*pair) for pair in pairs)
    assert soft_cross_entropy(logits, soft).item() == pytest.approx(expected, rel=1e-5)
    pairs = list(zip(logits.tolist(), updated.tolist(), strict=True))
    expected = mean(slow.elr_penalty(*pair) for pair in pairs)
    assert early_learning_penalty(logits, updated).item() == pytest.approx(expected, rel=1e-4)


def test_labels_that_the_target_denies_altogether_give_no_nan():
    assert weighted_labels(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])).tolist() == [
        [0, 0]
    ]


def test_the_average_follows_the_weights_and_leaves_the_buffers():
    average, network = nn.BatchNorm1d(2), nn.BatchNorm1d(2)
    network.weight.data += 1
    network.running_mean += 1
    move_average(average, network, 0.9)
    assert average.weight.tolist() == pytest.approx([1.1, 1.1])
    assert average.running_mean.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("classes", "expected"), [(10, (0.7, 3.0, 0.0, False)), (100, (0.9, 7.0, RAMPUP_SHARE, True))]
)
def test_defaults_are_the_authors_for_as_many_classes(classes, expected):
    chosen = ELRPlus.Params().for_classes(classes)
    assert expected == (
        chosen.target_momentum,
        chosen.regularization,
        chosen.rampup_share,
        chosen.weight_labels,
    )
    assert ELRPlus.Params(weight_labels=False).for_classes(100).weight_labels is False


def test_elr_plus_through_a_run(losses):
    """Both networks' losses and targets, from what was shown to whom."""
    made = []

    def network():
        made.append(Recorded())
        return made[-1]

    run = make_run(samples=8, batch_size=8, max_epochs=3, network=network)
    orders = recorded_order(run)
    params = ELRPlus.Params(weight_labels=True, rampup_share=0.5, target_momentum=0.8)
    method = ELRPlus(params)
    method.fit(run)
    assert method.trained_networks() == made[:2]
    students, averages = made[:2], made[2:]
    targets = [[[0.0] * CLASSES for _ in range(8)] for _ in range(2)]
    for step, loss in enumerate(losses):
        epoch, which = divmod(step, 2)
        teacher, student = averages[1 - which], students[which]
        plain, mixed = teacher.seen[epoch], student.seen[epoch]
        share, partners = found_mixing(plain, mixed)
        index = orders[step]
        for i, row in zip(index, teacher.said[epoch], strict=True):
            targets[which][i] = slow.target(targets[which][i], row, 0.8)
        given = [slow.one_hot(int(run.labels[i]), CLASSES) for i in index]
        labels = slow.mixed(given, share, partners)
        goals = slow.mixed([targets[which][i] for i in index], share, partners)
        weight = 3.0 * slow.ramp((epoch + 1) / 3 / 0.5)
        expected = mean(
            slow.soft_cross_entropy(row, slow.weighted(label, goal))
            + weight * slow.elr_penalty(row, goal)
            for row, label, goal in zip(student.said[epoch], labels, goals, strict=True)
        )
        assert loss == pytest.approx(expected, rel=1e-2, abs=1e-3)
    assert torch.allclose(method.targets, torch.tensor(targets), atol=1e-5)
    belief = [
        mean(rows[i][int(run.labels[i])] / sum(rows[i]) for rows in targets) for i in range(8)
    ]
    assert method.clean_probability().tolist() == pytest.approx(belief, abs=1e-4)


def found_mixing(plain, mixed):
    """The share and the partners that turn plain images into mixed ones."""
    plain, mixed = torch.tensor(plain), torch.tensor(mixed)
    partners, shares = [], []
    for i, image in enumerate(mixed):
        if torch.allclose(image, plain[i], atol=1e-5):
            partners.append(i)  # its own partner, which tells no share
            continue
        candidates = []
        for j, other in enumerate(plain):
            line = plain[i] - other
            share = (((image - other) * line).sum() / line.square().sum().clamp(min=1e-9)).item()
            distance = (share * plain[i] + (1 - share) * other - image).square().sum().item()
            candidates.append((distance, j, share))
        _, partner, share = min(candidates)
        partners.append(partner)
        shares.append(share)
    assert max(shares) - min(shares) < 1e-3
    return shares[0], partners


# SOP and SOP+


def variables(samples=12, seed=3, scale=0.5):
    generator = torch.Generator().manual_seed(seed)
    u = scale * torch.randn(samples, generator=generator)
    v = scale * torch.randn(samples, CLASSES, generator=generator)
    u[0] = 3.0  # beyond what a square may be
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


def test_sop_plus_refuses_data_without_strong_views():
    run = make_run(network=Recorded)

    def refuse(*augment):
        raise UsageError(f"no {augment[-1]} views")

    run.require_views = refuse
    with pytest.raises(UsageError, match="no strong views"):
        SOPPlus(SOPPlus.Params()).fit(run)
