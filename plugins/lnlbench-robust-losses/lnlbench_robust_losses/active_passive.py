"""Active-passive losses (Ma et al., ICML 2020): normalized cross-entropy plus a bounded loss.

Reference: github.com/HanxunH/Active-Passive-Losses at 04bce53, loss.py and configs. Details and
deviations: docs/nce-rce.md and docs/nce-mae.md.
"""

from collections.abc import Callable
from typing import ClassVar

from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import log_softmax

import lnlbench
from lnlbench.pieces.label_losses import label_probability
from lnlbench_robust_losses.clipping import clip_gradients
from lnlbench_robust_losses.sce import reverse_cross_entropy

# Value of a label's zeros before the logarithm, in the authors' code.
LABEL_FLOOR = 1e-4


def normalized_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Share of log p_label in the sum over k of log p_k per sample [B]; it lies in [0, 1].

    `logits` [B, C], `labels` int64 [B].
    """
    log_probabilities = log_softmax(logits, 1)
    on_label = log_probabilities.gather(1, labels.unsqueeze(1)).squeeze(1)
    return on_label / log_probabilities.sum(1)


def reverse_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Reverse cross-entropy per sample [B]: 9.21 * (1 - p_label)."""
    return reverse_cross_entropy(logits, labels, LABEL_FLOOR)


def half_absolute_error(logits: Tensor, labels: Tensor) -> Tensor:
    """1 - p_label per sample [B], half the distance between prediction and one-hot label."""
    return 1 - label_probability(logits, labels)


# The authors' run on CIFAR-100 for all of their losses.
AUTHORS_RUN = lnlbench.Recipe(
    schedule={
        "backbone": "resnet34",
        "epochs": 200,
        "batch_size": 128,
        "optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 1e-5},
        "milestones": [],
        "cosine_to": 0.0,
    },
    note="The authors' CIFAR-100 schedule, a cosine to 0; images are not rotated.",
)


class ActivePassive(lnlbench.LossMethod):
    """alpha * normalized cross-entropy + beta * a passive loss, with gradients cut down.

    A subclass names its passive loss, and has parameters `alpha`, `beta` and `max_gradient_norm`.
    """

    passive: ClassVar[Callable[[Tensor, Tensor], Tensor]]

    def begin(self, run: lnlbench.Run) -> None:
        """Let every step cut its gradients down, as the authors do."""
        clip_gradients(self.optimizer, self.params.max_gradient_norm)

    def loss(self, network: nn.Module, batch: lnlbench.Batch, epoch: int) -> Tensor:
        """The weighted sum of the active and the passive loss."""
        logits, params = network(batch.views[0]), self.params
        active = normalized_cross_entropy(logits, batch.labels)
        passive = type(self).passive(logits, batch.labels)
        return (params.alpha * active + params.beta * passive).mean()


class NormalizedReverse(ActivePassive):
    """Normalized cross-entropy plus reverse cross-entropy."""

    name = "nce-rce"
    reference = "Ma et al., Normalized Loss Functions, ICML 2020, arxiv.org/abs/2006.13554"
    passive = staticmethod(reverse_loss)
    recipes: ClassVar = {
        "cifar10": lnlbench.Recipe(
            params={"alpha": 1.0, "beta": 1.0}, note="The authors' weights for CIFAR-10."
        ),
        "native": AUTHORS_RUN,
    }

    class Params(lnlbench.Params):
        """Defaults are the authors' values for CIFAR-100."""

        alpha: float = Field(10.0, ge=0, le=1e6, description="Weight of normalized cross-entropy.")
        beta: float = Field(0.1, ge=0, le=1e6, description="Weight of reverse cross-entropy.")
        max_gradient_norm: float = Field(
            5.0,
            gt=0,
            le=1e6,
            description="Longer gradients of a step are scaled down to this length.",
        )


class NormalizedAbsolute(ActivePassive):
    """Normalized cross-entropy plus half the mean absolute error."""

    name = "nce-mae"
    reference = "Ma et al., Normalized Loss Functions, ICML 2020, arxiv.org/abs/2006.13554"
    passive = staticmethod(half_absolute_error)
    recipes: ClassVar = {
        "cifar10": lnlbench.Recipe(params={"alpha": 1.0}, note="The authors' weight for CIFAR-10."),
        "native": AUTHORS_RUN,
    }

    class Params(NormalizedReverse.Params):
        """Defaults are the authors' values for CIFAR-100."""

        beta: float = Field(
            1.0, ge=0, le=1e6, description="Weight of 1 - p, half the absolute error."
        )
