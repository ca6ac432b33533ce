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


def reverse_cross_entropy(logits: Tensor, labels: Tensor, label_floor: float) -> Tensor:
    """-sum over k of p_k log q_k per sample [B], zeros of the one-hot q raised to `label_floor`.

    Only the wrong classes count, since log 1 = 0: it is -log(label_floor) * (1 - p_label).
    """
    return -math.log(label_floor) * (1 - label_probability(logits, labels))


class SymmetricCrossEntropy(lnlbench.LossMethod):
    """Cross-entropy plus reverse cross-entropy, which is bounded and tolerates wrong labels."""

    name = "sce"
    reference = "Wang et al., Symmetric Cross Entropy, ICCV 2019, arxiv.org/abs/1908.06112"
    recipes = {  # noqa: RUF012 - declared as a ClassVar by the base class
        "cifar10": lnlbench.Recipe(
            params={"alpha": 0.1, "beta": 1.0}, note="The authors' weights for CIFAR-10."
        )
    }

    class Params(lnlbench.Params):
        """Defaults are the authors' values for CIFAR-100."""

        alpha: float = Field(6.0, ge=0, le=1e6, description="Weight of cross-entropy.")
        beta: float = Field(0.1, ge=0, le=1e6, description="Weight of the reverse.")
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
        reverse = reverse_cross_entropy(logits, batch.labels, self.params.label_floor).mean()
        forward = cross_entropy(logits, batch.labels)
        return self.params.alpha * forward + self.params.beta * reverse
