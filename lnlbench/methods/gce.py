"""Generalized cross-entropy (Zhang and Sabuncu, NeurIPS 2018): between cross-entropy and MAE.

Reference, not the authors': github.com/AlanChou/Truncated-Loss at fef5908. Details:
docs/methods/gce.md.
"""

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

import lnlbench
from lnlbench.interface.batch import Batch
from lnlbench.interface.method import LossMethod
from lnlbench.interface.params import Recipe, SearchRange
from lnlbench.pieces.label_losses import generalized_cross_entropy


class GeneralizedCrossEntropy(LossMethod):
    """One network trained on a bounded loss, which wrong labels cannot dominate."""

    name = "gce"
    reference = "Zhang, Sabuncu, Generalized Cross Entropy, NeurIPS 2018, arxiv.org/abs/1805.07836"
    recipes = {  # noqa: RUF012 - declared as a ClassVar by the base class
        "native": Recipe(
            schedule={
                "epochs": 150,
                "batch_size": 128,
                "optimizer": {"name": "sgd", "lr": 0.01, "momentum": 0.9, "weight_decay": 1e-4},
                "milestones": [80 / 150, 120 / 150],
            },
            note="The schedule of github.com/AlanChou/Truncated-Loss for CIFAR-100; its network, "
            "a ResNet-34, is left to the track.",
        )
    }

    class Params(lnlbench.Params):
        """The default is the authors' value."""

        q: Annotated[float, SearchRange(0.1, 1.0)] = Field(
            0.7,
            gt=0,
            le=1,
            description="At 1 the loss is the mean absolute error; towards 0 it is cross-entropy.",
        )

    def loss(self, network: nn.Module, batch: Batch, epoch: int) -> Tensor:
        """Generalized cross-entropy with the noisy labels."""
        return generalized_cross_entropy(
            network(batch.views[0]), batch.labels, self.params.q
        ).mean()
