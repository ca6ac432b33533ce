"""Losses of the given label's probability, against slow versions and at their ends."""

import pytest
import slow_methods as slow
import torch

from lnlbench.pieces.label_losses import generalized_cross_entropy, label_probability


def draw(samples=12, classes=5, seed=0, scale=3.0):
    generator = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(samples, classes, generator=generator)
    return logits, torch.randint(classes, (samples,), generator=generator)


def rows(logits, labels):
    return [(row, int(label)) for row, label in zip(logits.tolist(), labels, strict=True)]


@pytest.mark.parametrize("q", [0.01, 0.3, 0.7, 1.0])
def test_generalized_cross_entropy(q):
    logits, labels = draw()
    reference = [slow.gce(row, label, q) for row, label in rows(logits, labels)]
    measured = generalized_cross_entropy(logits, labels, q)
    assert measured.tolist() == pytest.approx(reference, rel=1e-4, abs=1e-6)


def test_the_ends_of_generalized_cross_entropy():
    logits, labels = draw()
    on_label = logits.softmax(1).gather(1, labels[:, None]).squeeze(1)
    assert torch.allclose(generalized_cross_entropy(logits, labels, 1.0), 1 - on_label, atol=1e-6)
    near_zero = generalized_cross_entropy(logits, labels, 1e-4)
    assert torch.allclose(near_zero, -on_label.log(), rtol=1e-2)


def test_a_hopeless_sample_gives_a_finite_gradient():
    logits = torch.tensor([[200.0, 0.0]], requires_grad=True)
    generalized_cross_entropy(logits, torch.tensor([1]), 0.7).sum().backward()
    assert logits.grad.isfinite().all()


def test_the_probability_of_each_label():
    logits, labels = draw()
    expected = [slow.softmax(row)[label] for row, label in rows(logits, labels)]
    assert label_probability(logits, labels).tolist() == pytest.approx(expected, rel=1e-5)
