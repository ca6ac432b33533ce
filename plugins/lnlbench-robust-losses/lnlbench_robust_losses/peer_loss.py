"""Peer loss (Liu and Guo, ICML 2020): agreeing with a label must beat agreeing with any label.

Reference: github.com/weijiaheng/Multi-class-Peer-Loss-functions at fba9eb6, CIFAR-100/runner.py.
Details and deviations: docs/peer-loss.md.
"""

import torch
from pydantic import Field
from torch import Tensor

import lnlbench
from lnlbench_robust_losses.contrast import ContrastiveMethod, stable_cross_entropy


class PeerLoss(ContrastiveMethod):
    """Cross-entropy minus the cross-entropy of images with labels of other images."""

    name = "peer-loss"
    reference = "Liu, Guo, Peer Loss Functions, ICML 2020, arxiv.org/abs/1910.03231"
    # The authors add the peer term when the learning rate falls; on the tracks it has fallen too.
    warmup_share = 0.6
    recipes = {  # noqa: RUF012 - declared as a ClassVar by the base class
        "native": lnlbench.Recipe(
            params={"warmup_epochs": 100},
            schedule={
                "backbone": "preact-resnet18",
                "epochs": 250,
                "batch_size": 128,
                "optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 5e-4},
                "milestones": [60 / 250, 100 / 250],
                "validation": 0.1,
            },
            note="The authors' CIFAR-100 schedule, with a tenth of the noisy set held out.",
        )
    }

    class Params(lnlbench.Params):
        """Defaults are the authors' values for uniform noise on CIFAR-100."""

        peer_weight: float = Field(
            0.95, ge=0, le=100, description="Weight of the peer term; α in the paper."
        )
        warmup_epochs: int | None = Field(
            None,
            ge=0,
            le=100_000,
            description="Epochs of cross-entropy first; by default three fifths of the run.",
        )
        stability: float = Field(
            1e-5,
            gt=0,
            lt=1,
            description="Added to probabilities before the logarithm, which bounds the peer term.",
        )

    def begin_contrast(self, optimizer: torch.optim.Optimizer) -> None:
        """Divide the epoch's learning rate by 1 + peer_weight, as the authors do."""
        for group in optimizer.param_groups:
            group["lr"] /= 1 + self.params.peer_weight

    def contrast(
        self, logits: Tensor, labels: Tensor, peer_logits: Tensor, peer_labels: Tensor
    ) -> Tensor:
        """Cross-entropy on the batch, less the weighted one on its peers."""
        stability = self.params.stability
        peer = stable_cross_entropy(peer_logits, peer_labels, stability)
        return stable_cross_entropy(logits, labels, stability) - self.params.peer_weight * peer
