"""Generalized label smoothing (Wei et al., ICML 2022): smoothing by a share of either sign.

Reference: github.com/UCSC-REAL/negative-label-smoothing at 05078f6. Details and deviations:
docs/gls.md.
"""

from typing import ClassVar

from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, log_softmax

import lnlbench
from lnlbench.pieces.warmup import warmup_length

# The authors warm up for 120 epochs, and smooth for 100.
WARMUP_SHARE = 120 / 220


def smoothed_cross_entropy(logits: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    """Mean cross-entropy with the labels (1 - r) * one-hot + r / C, for a smoothing r of any sign.

    Below zero the wrong classes get negative labels, and the loss has no lower bound.
    """
    # torch's own label_smoothing refuses negative values.
    uniform = -log_softmax(logits, 1).mean(1).mean()
    return (1 - smoothing) * cross_entropy(logits, labels) + smoothing * uniform


class GeneralizedLabelSmoothing(lnlbench.LossMethod):
    """Cross-entropy for a warm-up, then with labels smoothed by a negative or a positive share."""

    name = "gls"
    reference = "Wei et al., To Smooth or Not?, ICML 2022, arxiv.org/abs/2106.04149"
    quick_params: ClassVar = {"warmup_epochs": 1}
    recipes = {  # noqa: RUF012 - declared as a ClassVar by the base class
        "positive": lnlbench.Recipe(
            params={"smoothing": 0.4}, note="The same share, with the sign of label smoothing."
        ),
        "native": lnlbench.Recipe(
            params={"warmup_epochs": 0},
            schedule={
                "backbone": "resnet34",
                "epochs": 200,
                "batch_size": 128,
                "optimizer": {
                    "name": "sgd",
                    "lr": 0.1,
                    "momentum": 0.9,
                    "weight_decay": 1e-4,
                    "nesterov": True,
                },
                "milestones": [0.5, 0.75],
            },
            note="The authors' direct training.",
        ),
    }

    class Params(lnlbench.Params):
        """The paper tunes the share for each data set and noise; its candidates are -8 to 0.8."""

        smoothing: float = Field(
            -0.4,
            ge=-8,
            lt=1,
            description="Share of the label that is spread evenly over all classes; below 0, wrong "
            "classes get negative labels.",
        )
        warmup_epochs: int | None = Field(
            None,
            ge=0,
            le=100_000,
            description="Epochs of cross-entropy first; by default 6 elevenths of the run.",
        )

    def fit(self, run: lnlbench.Run) -> None:
        """Train one network: cross-entropy first, then the smoothed labels."""
        self.smoothed_from = warmup_length(self.params.warmup_epochs, WARMUP_SHARE, run.max_epochs)
        super().fit(run)

    def loss(self, network: nn.Module, batch: lnlbench.Batch, epoch: int) -> Tensor:
        """Cross-entropy with the noisy labels, smoothed after the warm-up."""
        smoothing = self.params.smoothing if epoch >= self.smoothed_from else 0.0
        return smoothed_cross_entropy(network(batch.views[0]), batch.labels, smoothing)
