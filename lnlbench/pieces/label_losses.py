"""Losses that look at one number, the predicted probability of the given label.

Source: Zhang and Sabuncu, NeurIPS 2018 (arXiv 1805.07836) for generalized cross-entropy.
"""

import torch
from torch import Tensor
from torch.nn.functional import log_softmax, softmax


def label_probability(logits: Tensor, labels: Tensor) -> Tensor:
    """The softmax probability [B] of each label int64 [B], for logits [B, C]."""
    return softmax(logits, 1).gather(1, labels.unsqueeze(1)).squeeze(1)


def generalized_cross_entropy(logits: Tensor, labels: Tensor, q: float) -> Tensor:
    """(1 - p^q) / q per sample [B], for the probability p of each label (equation 6).

    `logits` [B, C], `labels` int64 [B], q in (0, 1]: 1 is the mean absolute error, and the limit
    towards 0 is cross-entropy.
    """
    log_probability = log_softmax(logits, 1).gather(1, labels.unsqueeze(1)).squeeze(1)
    # expm1 keeps small losses exact; a power of p would lose the gradient where p underflows.
    return -torch.expm1(q * log_probability) / q
