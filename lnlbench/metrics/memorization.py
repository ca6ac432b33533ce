"""Memorization: wrong labels that a network has learned by heart."""

from torch import Tensor


def memorization(predicted: Tensor, noisy_labels: Tensor, clean_labels: Tensor) -> float | None:
    """Share of wrongly labeled samples predicted as their wrong label; None if all are clean."""
    wrong = noisy_labels != clean_labels
    if not wrong.any():
        return None
    return float((predicted[wrong] == noisy_labels[wrong]).double().mean())
