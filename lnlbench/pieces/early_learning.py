"""Early-learning regularization: a target for each sample, and a penalty that holds on to it.

Source: Liu et al., NeurIPS 2020 (arXiv 2007.00151) and github.com/shengliu66/ELR at 934af53.
"""

from torch import Tensor
from torch.nn.functional import softmax

# The authors keep probabilities off 0 and 1, so that the logarithm of the penalty stays finite.
CLAMP = 1e-4


def clamped_probabilities(logits: Tensor) -> Tensor:
    """Softmax of logits [B, C], each probability in [1e-4, 1 - 1e-4]."""
    return softmax(logits, 1).clamp(CLAMP, 1 - CLAMP)


def moved_targets(targets: Tensor, predictions: Tensor, momentum: float) -> Tensor:
    """Running mean [B, C] of each sample's predictions [B, C] (equation 7)."""
    return momentum * targets + (1 - momentum) * predictions


def early_learning_penalty(targets: Tensor, probabilities: Tensor) -> Tensor:
    """Mean of log(1 - <target, prediction>) over a batch, a scalar (equation 6).

    It is lowest where `probabilities` [B, C] agree with `targets` [B, C].
    """
    return (1 - (targets * probabilities).sum(1)).log().mean()


def target_belief(targets: Tensor, labels: Tensor) -> Tensor:
    """Clean probability [N]: the share of each target [N, C] that lies on its label int64 [N]."""
    on_label = targets.gather(1, labels.unsqueeze(1)).squeeze(1)
    # Targets start at zero and sum to less than one in early epochs; rounding may exceed it.
    return (on_label / targets.sum(1).clamp(min=CLAMP)).clamp(0, 1)
