"""Active-negative loss (Ye et al., NeurIPS 2023): unlikely classes in place of a passive loss.

Reference: github.com/Virusdoll/Active-Negative-Loss at 0c50009, loss.py and config. Details and
deviations: docs/anl-ce.md.
"""

import math

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import softmax

import lnlbench
from lnlbench_robust_losses.active_passive import normalized_cross_entropy
from lnlbench_robust_losses.clipping import clip_gradients


def negative_normalized_cross_entropy(logits: Tensor, labels: Tensor, floor: float) -> Tensor:
    """1 - z_label / sum over k of z_k per sample [B], where z_k = log(p_k / floor).

    Probabilities are at least `floor`, so that no z is negative. `logits` [B, C], `labels` int64.
    """
    z = softmax(logits, 1).clamp(min=floor).log() - math.log(floor)
    return 1 - z.gather(1, labels.unsqueeze(1)).squeeze(1) / z.sum(1)


def absolute_weights(network: nn.Module) -> Tensor:
    """The sum of the absolute values of all parameters of a network: its L1 norm."""
    return torch.stack([weight.abs().sum() for weight in network.parameters()]).sum()


class ActiveNegative(lnlbench.LossMethod):
    """Normalized cross-entropy, its negative counterpart, and a penalty on absolute weights."""

    name = "anl-ce"
    reference = (
        "Ye et al., Active Negative Loss Functions, NeurIPS 2023, papers.neurips.cc/paper_files/"
        "paper/2023/hash/15f4cefb0e143c7ad9d40e879b0a9d0c-Abstract-Conference.html"
    )
    recipes = {  # noqa: RUF012 - declared as a ClassVar by the base class
        "cifar10": lnlbench.Recipe(
            params={"alpha": 5.0, "beta": 5.0, "delta": 5e-5},
            note="The authors' weights for CIFAR-10.",
        ),
        "native": lnlbench.Recipe(
            schedule={
                "backbone": "resnet34",
                "epochs": 200,
                "batch_size": 128,
                "optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 0.0},
                "milestones": [],
                "cosine_to": 0.0,
            },
            note="The authors' CIFAR-100 schedule, a cosine to 0, without weight decay; images are "
            "not rotated.",
        ),
    }

    class Params(lnlbench.Params):
        """Defaults are the authors' values for CIFAR-100."""

        alpha: float = Field(10.0, ge=0, le=1e6, description="Weight of normalized cross-entropy.")
        beta: float = Field(1.0, ge=0, le=1e6, description="Weight of the negative loss.")
        delta: float = Field(5e-7, ge=0, le=1e3, description="Weight of the network's L1 norm.")
        floor: float = Field(
            1e-7,
            gt=0,
            lt=0.1,
            description="Least probability in the negative loss; below it there is no gradient.",
        )
        max_gradient_norm: float = Field(
            5.0,
            gt=0,
            le=1e6,
            description="Longer gradients of a step are scaled down to this length.",
        )

    def begin(self, run: lnlbench.Run) -> None:
        """Let every step cut its gradients down, as the authors do."""
        clip_gradients(self.optimizer, self.params.max_gradient_norm)

    def loss(self, network: nn.Module, batch: lnlbench.Batch, epoch: int) -> Tensor:
        """The weighted sum of both losses and of the absolute weights."""
        logits, params = network(batch.views[0]), self.params
        active = normalized_cross_entropy(logits, batch.labels)
        negative = negative_normalized_cross_entropy(logits, batch.labels, params.floor)
        losses = params.alpha * active + params.beta * negative
        return losses.mean() + params.delta * absolute_weights(network)
