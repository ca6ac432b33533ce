"""Every loss against a slow version, and what each promises."""

import math

import pytest
import slow_losses as slow
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lnlbench_robust_losses.bootstrapping import Bootstrapping, bootstrapped_loss
from lnlbench_robust_losses.contrast import stable_cross_entropy
from lnlbench_robust_losses.epsilon_softmax import (
    EpsilonSoftmax,
    absolute_error,
    epsilon_cross_entropy,
)
from lnlbench_robust_losses.f_divergence import DIVERGENCES, negative_divergence
from lnlbench_robust_losses.gls import smoothed_cross_entropy
from lnlbench_robust_losses.sce import SymmetricCrossEntropy, reverse_cross_entropy
from lnlbench_robust_losses.truncated_gce import truncated_loss
from torch import nn

from lnlbench import Batch

CLASSES = 5


def draw(samples=12, classes=CLASSES, seed=0, scale=3.0):
    generator = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(samples, classes, generator=generator)
    return logits, torch.randint(classes, (samples,), generator=generator)


def rows(logits, labels):
    return [(row, int(label)) for row, label in zip(logits.tolist(), labels, strict=True)]


def loss_of(method, logits, labels, **params):
    """A LossMethod's loss of logits that the network is said to have given."""
    batch = Batch(index=torch.arange(len(labels)), views=[logits], labels=labels)
    return method(method.Params(**params)).loss(nn.Identity(), batch, 0)


@pytest.mark.parametrize("floor", [1e-4, math.exp(-4)])
def test_reverse_cross_entropy(floor):
    logits, labels = draw()
    expected = [slow.reverse_cross_entropy(row, y, floor) for row, y in rows(logits, labels)]
    measured = reverse_cross_entropy(logits, labels, floor)
    assert measured.tolist() == pytest.approx(expected, rel=1e-5)


def test_symmetric_cross_entropy_weighs_both_directions():
    logits, labels = draw()
    expected = slow.mean(
        3 * slow.cross_entropy(row, y) + 0.5 * slow.reverse_cross_entropy(row, y, 1e-4)
        for row, y in rows(logits, labels)
    )
    measured = loss_of(SymmetricCrossEntropy, logits, labels, alpha=3, beta=0.5)
    assert measured.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("method", "cifar100", "cifar10"),
    [
        (SymmetricCrossEntropy, {"alpha": 6.0, "beta": 0.1}, {"alpha": 0.1, "beta": 1.0}),
        (
            EpsilonSoftmax,
            {"alpha": 0.03, "beta": 1.0, "m": 1e4},
            {"alpha": 0.045, "beta": 10.0, "m": 1e5},
        ),
    ],
)
@pytest.mark.parametrize("classes", [10, 100])
def test_defaults_are_the_papers_for_cifar100_whatever_the_number_of_classes(
    method, cifar100, cifar10, classes
):
    assert method.recipes["cifar10"].params == cifar10
    logits, labels = draw(classes=classes)
    assert loss_of(method, logits, labels) == loss_of(method, logits, labels, **cifar100)
    for key, value in cifar100.items():
        assert loss_of(method, logits, labels) != loss_of(
            method, logits, labels, **{key: value / 2}
        )


@pytest.mark.parametrize("smoothing", [-8.0, -0.4, 0.0, 0.4, 0.9])
def test_smoothing_of_either_sign(smoothing):
    logits, labels = draw()
    expected = slow.mean(slow.smoothed(row, y, smoothing) for row, y in rows(logits, labels))
    measured = smoothed_cross_entropy(logits, labels, smoothing)
    assert measured.item() == pytest.approx(expected, rel=1e-4)


def test_negative_smoothing_undoes_uniform_noise():
    """-e / (1 - e) of smoothing is backward correction of a share e of labels redrawn uniformly."""
    logits, labels = draw(samples=1)
    share = 0.3
    corrected = 0.0
    for noisy in range(CLASSES):
        probability = (1 - share) * (noisy == int(labels)) + share / CLASSES
        loss = smoothed_cross_entropy(logits, torch.tensor([noisy]), -share / (1 - share))
        corrected += probability * loss.item()
    assert corrected == pytest.approx(slow.cross_entropy(logits[0].tolist(), int(labels)), rel=1e-4)


@pytest.mark.parametrize("kind", ["hard", "soft"])
@pytest.mark.parametrize("share", [0.0, 0.6, 1.0])
def test_bootstrapping(kind, share):
    logits, labels = draw()
    expected = slow.mean(slow.bootstrapped(row, y, kind, share) for row, y in rows(logits, labels))
    assert bootstrapped_loss(logits, labels, kind, share).item() == pytest.approx(
        expected, rel=1e-5
    )


@pytest.mark.parametrize(("kind", "share"), [("hard", 0.8), ("soft", 0.95)])
def test_bootstrapping_takes_the_papers_share(kind, share):
    logits, labels = draw()
    expected = bootstrapped_loss(logits, labels, kind, share)
    assert loss_of(Bootstrapping, logits, labels, kind=kind) == expected
    changed = loss_of(Bootstrapping, logits, labels, kind=kind, label_share=0.5)
    assert changed == bootstrapped_loss(logits, labels, kind, 0.5)


@pytest.mark.parametrize("kind", ["hard", "soft"])
def test_the_gradient_of_bootstrapping_is_that_of_the_whole_loss(kind):
    """Soft predictions have their part in it: held fast, they would pull nowhere."""
    logits, labels = draw(samples=4, scale=1.0)
    logits.requires_grad_()
    bootstrapped_loss(logits, labels, kind, 0.3).backward()
    step = 1e-6
    for i, (row, label) in enumerate(rows(logits, labels)):
        for k in range(CLASSES):
            shifted = [[*row[:k], row[k] + sign * step, *row[k + 1 :]] for sign in (1, -1)]
            up, down = (slow.bootstrapped(each, label, kind, 0.3) for each in shifted)
            expected = (up - down) / (2 * step) / 4
            assert logits.grad[i, k].item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("m", [0.0, 2.0, 1e4])
@pytest.mark.parametrize("floor", [1e-8, 1e-2])
def test_epsilon_cross_entropy(m, floor):
    logits, labels = draw()
    labels[:6] = logits[:6].argmax(1)  # both kinds of samples
    expected = [slow.epsilon_cross_entropy(row, y, m, floor) for row, y in rows(logits, labels)]
    measured = epsilon_cross_entropy(logits, labels, m, floor)
    assert measured.tolist() == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_epsilon_softmax_weighs_cross_entropy_and_absolute_error():
    logits, labels = draw()
    errors = [slow.absolute_error(row, y) for row, y in rows(logits, labels)]
    assert absolute_error(logits, labels).tolist() == pytest.approx(errors, rel=1e-5)
    expected = slow.mean(
        0.5 * slow.epsilon_cross_entropy(row, y, 10.0, 1e-8) + 2 * slow.absolute_error(row, y)
        for row, y in rows(logits, labels)
    )
    measured = loss_of(EpsilonSoftmax, logits, labels, alpha=0.5, beta=2, m=10)
    assert measured.item() == pytest.approx(expected, rel=1e-5)


@given(st.floats(0, 1e6), st.integers(0, 100))
@settings(max_examples=40, deadline=None)
def test_epsilon_softmax_is_within_epsilon_of_one_hot(m, seed):
    logits, _ = draw(samples=1, seed=seed)
    share = [
        math.exp(-epsilon_cross_entropy(logits, torch.tensor([k]), m, 1e-30).item())
        for k in range(CLASSES)
    ]
    assert sum(share) == pytest.approx(1, abs=1e-4)
    assert 1 - max(share) <= 1 / (1 + m) + 1e-5


@pytest.mark.parametrize(("q", "threshold"), [(0.7, 0.5), (1.0, 0.2)])
def test_truncated_loss_and_its_gradient(q, threshold):
    logits, labels = draw()
    logits.requires_grad_()
    kept = torch.arange(len(labels)) % 3 > 0
    expected = slow.mean(
        slow.truncated(row, y, bool(keep), q, threshold)
        for (row, y), keep in zip(rows(logits.detach(), labels), kept, strict=True)
    )
    measured = truncated_loss(logits, labels, kept, q, threshold)
    assert measured.item() == pytest.approx(expected, rel=1e-4)
    measured.backward()
    assert torch.equal(logits.grad.abs().sum(1) > 0, kept)


@pytest.mark.parametrize("stability", [1e-5, 0.1])
def test_stable_cross_entropy_is_bounded(stability):
    logits, labels = draw()
    expected = slow.mean(slow.stable(row, y, stability) for row, y in rows(logits, labels))
    measured = stable_cross_entropy(logits, labels, stability)
    assert measured.item() == pytest.approx(expected, rel=1e-4)
    hopeless = stable_cross_entropy(torch.tensor([[500.0, 0.0]]), torch.tensor([1]), stability)
    assert hopeless.item() == pytest.approx(-math.log(stability), rel=1e-4)


@pytest.mark.parametrize("divergence", DIVERGENCES)
@pytest.mark.parametrize("probability", [0.02, 0.3, 0.9])
def test_conjugates_are_those_of_the_divergences(divergence, probability):
    """The second function is f* of the first: that makes it a bound of the divergence it names."""
    p = torch.tensor(probability, dtype=torch.float64)
    activation, conjugate = (function(p).item() for function in DIVERGENCES[divergence])
    # Jeffreys' is an expansion around 0 whose constant is left out.
    tolerance = 0.02 if divergence == "jeffreys" else 1e-3
    expected = slow.conjugate(divergence, activation)
    assert conjugate == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_the_divergence_grows_with_what_labels_tell(divergence):
    logits, _ = draw(samples=60)
    told, (_, untold), (peers, other) = logits.argmax(1), draw(60, seed=2), draw(60, seed=1)
    losses = [negative_divergence(divergence, logits, y, peers, other) for y in (told, untold)]
    assert losses[0] < losses[1]
