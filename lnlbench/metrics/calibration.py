"""Calibration: how well a network's confidence agrees with its accuracy."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, softmax


def expected_calibration_error(logits: Tensor, labels: Tensor, bins: int = 15) -> float:
    """Mean gap of confidence and accuracy over equal-width confidence bins (Guo et al., 2017)."""
    confidence, correct, position = _binned(logits, labels, bins)
    zeros = torch.zeros(bins, dtype=torch.float64, device=logits.device)
    gaps = zeros.index_add(0, position, correct - confidence)
    return float(gaps.abs().sum() / len(labels))


def reliability(logits: Tensor, labels: Tensor, bins: int = 15) -> list[tuple[int, float, float]]:
    """Count, mean confidence and accuracy of each confidence bin; the two are NaN in empty bins."""
    confidence, correct, position = _binned(logits, labels, bins)
    count = torch.bincount(position, minlength=bins)
    sums = [torch.bincount(position, values, minlength=bins) for values in (confidence, correct)]
    means = [(total / count).tolist() for total in sums]
    return list(zip(count.tolist(), *means, strict=True))


def _binned(logits: Tensor, labels: Tensor, bins: int) -> tuple[Tensor, Tensor, Tensor]:
    """Confidence and correctness, float64 [B], and the number of the bin (low, high]."""
    confidence, predicted = softmax(logits.double(), 1).max(1)
    correct = (predicted == labels).double()
    position = (confidence * bins).ceil().long().sub(1).clamp(0, bins - 1)
    return confidence, correct, position


def negative_log_likelihood(logits: Tensor, labels: Tensor) -> float:
    """Mean negative log-likelihood of the labels, in nats."""
    return float(cross_entropy(logits.double(), labels))


def brier_score(logits: Tensor, labels: Tensor) -> float:
    """Mean squared distance of the probabilities [B, C] from the one-hot labels, 0 to 2.

    Source: Brier, Verification of Forecasts Expressed in Terms of Probability, 1950.
    """
    distances = softmax(logits.double(), 1)
    distances[torch.arange(len(labels)), labels] -= 1
    return float(distances.square().sum(1).mean())


# Functions of test logits [B, C] and true labels [B] that evaluation calls, by score name.
TEST_SCORES: dict[str, Callable[[Tensor, Tensor], float]] = {
    "ece": expected_calibration_error,
    "nll": negative_log_likelihood,
    "brier": brier_score,
}
