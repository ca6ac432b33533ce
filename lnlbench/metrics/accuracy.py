"""Accuracy of predictions."""

from torch import Tensor


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """Share of samples whose largest logit (logits [B, C]) is the one of their label [B]."""
    return float((logits.argmax(1) == labels).double().mean())
