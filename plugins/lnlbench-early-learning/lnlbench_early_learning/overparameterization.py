"""Sparse over-parameterization (Liu et al., ICML 2022): variables that take up a label's noise.

Every sample has a number u and a vector v [C]. Its noise is u² on the given label and -v² on the
other classes. Added to the prediction, the noise explains a wrong label, so the network does not
have to. The squares start near zero and stay there unless gradients push for long, so the noise is
sparse.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import kl_div, log_softmax, one_hot, softmax

# The authors' smallest probability before a logarithm.
FLOOR = 1e-4


class Noise(NamedTuple):
    """The noise of a batch, both [B, C]: gains of the given labels, losses of the other classes."""

    gained: Tensor
    lost: Tensor


def label_noise(u: Tensor, v: Tensor, labels: Tensor) -> Noise:
    """Noise of samples with variables u [B] and v [B, C] and labels int64 [B]; squares up to 1."""
    given = one_hot(labels, v.shape[1])
    gained = (u.square().unsqueeze(1) * given).clamp(0, 1)
    return Noise(gained, (v.square() * (1 - given)).clamp(0, 1))


def corrected_prediction(logits: Tensor, noise: Noise) -> Tensor:
    """Softmax plus noise, at least 1e-4 and normalized; v gets no gradient from here."""
    raised = (softmax(logits, 1) + noise.gained - noise.lost.detach()).clamp(min=FLOOR)
    return (raised / raised.sum(1, keepdim=True)).clamp(FLOOR, 1)


def noisy_cross_entropy(prediction: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of corrected predictions with the given labels."""
    return -prediction.gather(1, labels.unsqueeze(1)).squeeze(1).log().mean()


def residual(logits: Tensor, labels: Tensor, noise: Noise) -> Tensor:
    """Squared distance of label and predicted class plus noise, summed over classes, mean over B.

    The predicted class has no gradient: only u and v learn from it.
    """
    classes = logits.shape[1]
    predicted = one_hot(logits.argmax(1), classes)
    explained = predicted + noise.gained - noise.lost
    return (explained - one_hot(labels, classes)).square().sum(1).mean()


def class_balance(prediction: Tensor) -> Tensor:
    """Cross-entropy of the uniform distribution with the mean corrected prediction [C]."""
    return -prediction.mean(0).clamp(FLOOR, 1).log().mean()


def consistency(logits: Tensor, strong_logits: Tensor) -> Tensor:
    """Divergence of a strong view's prediction from the weak view's, which gets no gradient."""
    return kl_div(log_softmax(strong_logits, 1), softmax(logits.detach(), 1), reduction="batchmean")


def started_variables(
    samples: int, classes: int, scale: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """The variables u [N] and v [N, C] at their start: normal, with a tiny deviation."""
    u = scale * torch.randn(samples, generator=generator)
    return u, scale * torch.randn(samples, classes, generator=generator)
