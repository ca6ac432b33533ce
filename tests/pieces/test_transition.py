"""Transition matrices and the loss through them, against slow versions."""

import pytest
import slow_methods as slow
import torch
from torch import nn

from lnlbench.pieces.transition import estimate_transition_matrix, forward_corrected_loss


def draw(samples=12, classes=5, seed=0, scale=3.0):
    generator = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(samples, classes, generator=generator)
    return logits, torch.randint(classes, (samples,), generator=generator)


def rows(logits, labels):
    return [(row, int(label)) for row, label in zip(logits.tolist(), labels, strict=True)]


@pytest.mark.parametrize("discarded", [0.0, 0.03, 0.4])
def test_the_transition_matrix_comes_from_anchor_points(discarded):
    probabilities = draw(samples=80)[0].softmax(1)
    measured = estimate_transition_matrix(probabilities, discarded)
    reference = slow.anchor_matrix(probabilities.tolist(), discarded)
    assert torch.allclose(measured, torch.tensor(reference), atol=1e-6)
    assert torch.allclose(measured.sum(1), torch.ones(5), atol=1e-6)


def test_the_corrected_loss():
    logits, labels = draw()
    matrix = draw(samples=5, seed=1)[0].softmax(1)
    reference = [slow.forward(row, label, matrix.tolist()) for row, label in rows(logits, labels)]
    measured = forward_corrected_loss(logits, labels, matrix)
    assert measured.item() == pytest.approx(sum(reference) / 12, rel=1e-5)
    plain = forward_corrected_loss(logits, labels, torch.eye(5))
    assert plain.item() == pytest.approx(nn.functional.cross_entropy(logits, labels).item())


def test_a_label_that_the_matrix_calls_impossible_costs_a_finite_loss():
    logits = torch.tensor([[9.0, 0.0]], requires_grad=True)
    matrix = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    loss = forward_corrected_loss(logits, torch.tensor([1]), matrix)
    loss.backward()
    assert loss.isfinite()
    assert logits.grad.isfinite().all()
