"""Generalized Jensen-Shannon loss (Englesson and Azizpour, NeurIPS 2021): label and views agree.

Reference: github.com/ErikEnglesson/GJS at 1a3c9e0, losses.py. Details and deviations: docs/gjs.md.
"""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import one_hot, softmax

import lnlbench

# Least value before a logarithm, in the authors' code.
FLOOR = 1e-7
VIEWS = {
    "weak": "weak",
    # The authors': RandAugment with one operation of magnitude 3, and Cutout.
    "strong": "randaugment:1:3",
}


def generalized_jensen_shannon(
    logits: Sequence[Tensor], labels: Tensor, label_weight: float
) -> Tensor:
    """Scaled sum over i of w_i KL(q_i | m) per sample [B], where m = sum over i of w_i q_i.

    The q are the one-hot label int64 [B], with weight `label_weight` in (0, 1), and the predictions
    of each view's `logits` [B, C], which share the rest. The scale lets the loss of one view tend
    to cross-entropy as `label_weight` tends to 0, and to 1 - p_label as it tends to 1.
    """
    rest = 1 - label_weight
    predictions = [softmax(each, 1) for each in logits]
    label = one_hot(labels, logits[0].shape[1]).to(predictions[0].dtype)
    q = torch.stack([label, *predictions])
    weights = q.new_tensor([label_weight, *[rest / len(logits)] * len(logits)])
    m = (weights[:, None, None] * q).sum(0)
    # A q of 0 adds nothing, since 0 is multiplied by a finite number.
    divergences = (q * (q.clamp(min=FLOOR).log() - m.clamp(min=FLOOR).log())).sum(2)
    return (weights[:, None] * divergences).sum(0) / (-rest * math.log(rest))


class GeneralizedJensenShannon(lnlbench.Method):
    """The label and the predictions for several views are pulled towards their common mean."""

    name = "gjs"
    reference = (
        "Englesson, Azizpour, Generalized Jensen-Shannon Divergence Loss, NeurIPS 2021, "
        "arxiv.org/abs/2105.04522"
    )
    recipes = {  # noqa: RUF012 - declared as a ClassVar by the base class
        "js": lnlbench.Recipe(
            params={"views": 1}, note="The Jensen-Shannon loss: one view and no consistency."
        ),
        "native": lnlbench.Recipe(
            params={"augmentation": "strong"},
            schedule={
                "backbone": "resnet34",
                "epochs": 400,
                "batch_size": 128,
                "optimizer": {
                    "name": "sgd",
                    "lr": 0.2,
                    "momentum": 0.9,
                    "weight_decay": 5e-5,
                    "nesterov": True,
                },
                "milestones": [0.5, 0.75],
            },
            note="The authors' CIFAR-100 schedule for symmetric noise; their network is thinner.",
        ),
    }

    class Params(lnlbench.Params):
        """The authors tune the label's weight for each noise rate; 0.5 is the middle of theirs."""

        label_weight: float = Field(
            0.5,
            ge=0.001,
            le=0.999,
            description="Weight of the label in the mean; π in the paper. Near 0 the loss is like "
            "cross-entropy, near 1 like the absolute error.",
        )
        views: int = Field(
            2, ge=1, le=8, description="Views of each image; 1 is the Jensen-Shannon loss."
        )
        augmentation: Literal["weak", "strong"] = Field(
            "weak",
            description="strong: RandAugment and Cutout on top of the track's augmentation, as the "
            "authors have it.",
        )

    def augmentations(self) -> tuple[str, ...]:
        """Strong views, if they are asked for."""
        return (VIEWS["strong"],) if self.params.augmentation == "strong" else ()

    def fit(self, run: lnlbench.Run) -> None:
        """Train one network; each view passes on its own, with its own batch statistics."""
        run.require_views(*self.augmentations())
        self.network = run.network()
        self.optimizer = run.optimizer(self.network)
        params = self.params
        for _ in run.epochs():
            for batch in run.batches(views=params.views, augment=VIEWS[params.augmentation]):
                logits = [self.network(view) for view in batch.views]
                losses = generalized_jensen_shannon(logits, batch.labels, params.label_weight)
                run.step(losses.mean(), self.optimizer)
