"""PES (Bai et al., NeurIPS 2021): progressive early stopping, then confident samples alone.

Reference: github.com/tmllab/2021_NeurIPS_PES at ec5290d, PES_cs.py. Details and deviations:
docs/pes.md.
"""

import math
from typing import ClassVar

from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy

import lnlbench
from lnlbench.pieces.selection import split_by_belief
from lnlbench.pieces.warmup import warmup_length
from lnlbench_early_learning.progressive import (
    ProgressiveParams,
    class_weights,
    confidence_belief,
    doubly_seen,
    refine,
)

# The authors train 30 of 200 epochs on CIFAR-100 before they renew layers.
WARMUP_SHARE = 30 / 200


class PES(lnlbench.Method):
    """Late layers stop earlier than early ones; then the network learns what it is sure of."""

    name = "pes"
    reference = (
        "Bai et al., Understanding and Improving Early Stopping for Learning with Noisy Labels, "
        "NeurIPS 2021, arxiv.org/abs/2106.15853"
    )
    quick_params: ClassVar = {"warmup_epochs": 1, "refine_epochs": 1, "refine_stage_epochs": 1}
    recipes = {  # noqa: RUF012 - declared as a ClassVar by the base class
        "native": lnlbench.Recipe(
            schedule={
                "backbone": "resnet34",
                "epochs": 200,
                "batch_size": 128,
                "optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4},
                "milestones": [0.5, 0.75],
            },
            note="The authors' CIFAR-100 schedule.",
        )
    }

    class Params(ProgressiveParams):
        """Defaults are the authors' values for CIFAR-100."""

        refine_stage_epochs: int = Field(
            7,
            ge=0,
            le=1000,
            description="Passes before these, which train the renewed last stage and classifier "
            "alone.",
        )

    def fit(self, run: lnlbench.Run) -> None:
        """Cross-entropy; new late layers; then weighted cross-entropy on confident samples."""
        self.network = run.network()
        self.optimizer = run.optimizer(self.network)
        self.belief: Tensor | None = None
        params = self.params
        warmup_epochs = warmup_length(params.warmup_epochs, WARMUP_SHARE, run.max_epochs)
        plan = ((1, params.refine_stage_epochs), (0, params.refine_epochs))
        for epoch in run.epochs():
            if epoch == warmup_epochs:
                refine(run, self.network, self.optimizer, plan, params)
            confident, weights = None, None
            if epoch >= warmup_epochs:
                self.belief = confidence_belief(doubly_seen(run, self.network), run.labels)
                confident, _ = split_by_belief(run, self.belief, threshold=0.5)
                weights = class_weights(run.labels[confident], run.num_classes, math.inf)
            for batch in run.batches(confident, views=1):
                logits = self.network(batch.views[0])
                run.step(cross_entropy(logits, batch.labels, weight=weights), self.optimizer)

    def clean_probability(self) -> Tensor | None:
        """Above 1/2 for confident samples; None before they are first found."""
        return self.belief
