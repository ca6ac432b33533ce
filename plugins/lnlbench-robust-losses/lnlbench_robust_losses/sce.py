"""Symmetric cross-entropy (Wang et al., ICCV 2019): cross-entropy, and its mirror image.

Reference: github.com/YisenWang/symmetric_cross_entropy_for_noisy_labels at ec778df, loss.py.
Details and deviations: docs/sce.md.
"""

import math

from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import lnlbench
from lnlbench.pieces.label_losses import label_probability
from lnlbench.pieces.presets import preset


def reverse_cross_entropy(logits: Tensor, labels: Tensor, label_floor: float) -> Tensor:
    """-sum over k of p_k log q_k per sample [B], zeros of the one-hot q raised to `label_floor`.

    Only the wrong classes count, since log 1 = 0: it is -log(label_floor) * (1 - p_label).
    """
    return -math.log(label_floor) * (1 - label_probability(logits, labels))


class SymmetricCrossEntropy(lnlbench.LossMethod):
    """Cross-entropy plus reverse cross-entropy, which is bounded and tolerates wrong labels."""

    name = "sce"
    reference = "Wang et al., Symmetric Cross Entropy, ICCV 2019, arxiv.org/abs/1908.06112"

    class Params(lnlbench.Params):
        """Defaults are the authors' values for CIFAR-10 and CIFAR-100, by the number of classes."""

        alpha: float | None = Field(
            None,
            ge=0,
            le=1e6,
            description="Weight of cross-entropy; by default 6 from 100 classes on, else 0.1.",
        )
        beta: float | None = Field(
            None,
            ge=0,
            le=1e6,
            description="Weight of the reverse; by default 0.1 from 100 classes on, else 1.",
        )
        label_floor: float = Field(
            1e-4,
            gt=0,
            lt=1,
            description="Value of a label's zeros before the logarithm; its logarithm is the "
            "paper's A.",
        )

    def loss(self, network: nn.Module, batch: lnlbench.Batch, epoch: int) -> Tensor:
        """The weighted sum of both directions."""
        logits = network(batch.views[0])
        alpha = preset(self.params.alpha, few=0.1, many=6.0, num_classes=logits.shape[1])
        beta = preset(self.params.beta, few=1.0, many=0.1, num_classes=logits.shape[1])
        reverse = reverse_cross_entropy(logits, batch.labels, self.params.label_floor).mean()
        return alpha * cross_entropy(logits, batch.labels) + beta * reverse
