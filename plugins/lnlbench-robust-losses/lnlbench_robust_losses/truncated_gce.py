"""Truncated generalized cross-entropy (Zhang and Sabuncu, NeurIPS 2018): it drops hopeless samples.

Reference, not the authors': github.com/AlanChou/Truncated-Loss at fef5908, without its leak.
Details and deviations: docs/truncated-gce.md.
"""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

import lnlbench
from lnlbench.pieces.label_losses import generalized_cross_entropy, label_probability
from lnlbench.pieces.warmup import warmup_length

# The schedule followed keeps every sample for 80 of 150 epochs, and then decides every 10.
WARMUP_SHARE, PRUNING_SHARE = 80 / 150, 10 / 150


def truncated_loss(
    logits: Tensor, labels: Tensor, kept: Tensor, q: float, threshold: float
) -> Tensor:
    """Mean of (1 - p^q) / q over a batch, where samples not `kept` (bool [B]) count as p = k.

    That is a constant, so these samples have no gradient.
    """
    losses = generalized_cross_entropy(logits, labels, q)
    return torch.where(kept, losses, (1 - threshold**q) / q).mean()


class TruncatedGCE(lnlbench.Method):
    """Generalized cross-entropy, without the samples whose labels the network finds unlikely."""

    name = "truncated-gce"
    reference = "Zhang, Sabuncu, Generalized Cross Entropy, NeurIPS 2018, arxiv.org/abs/1805.07836"
    quick_params: ClassVar = {"warmup_epochs": 1}
    recipes = {  # noqa: RUF012 - declared as a ClassVar by the base class
        "native": lnlbench.Recipe(
            params={"warmup_epochs": 79, "prune_every": 10},
            schedule={
                "backbone": "resnet34",
                "epochs": 150,
                "batch_size": 128,
                "optimizer": {"name": "sgd", "lr": 0.01, "momentum": 0.9, "weight_decay": 1e-4},
                "milestones": [80 / 150, 120 / 150],
            },
            note="The schedule of github.com/AlanChou/Truncated-Loss for CIFAR-100.",
        )
    }

    class Params(lnlbench.Params):
        """Defaults are the paper's values."""

        q: float = Field(
            0.7,
            gt=0,
            le=1,
            description="At 1 the loss is the mean absolute error; towards 0 it is cross-entropy.",
        )
        threshold: float = Field(
            0.5,
            gt=0,
            lt=1,
            description="Least probability of a label that is learned; k in the paper.",
        )
        warmup_epochs: int | None = Field(
            None,
            ge=0,
            le=100_000,
            description="Epochs before samples are first left out; by default 8 fifteenths of the "
            "run.",
        )
        prune_every: int | None = Field(
            None,
            ge=1,
            le=100_000,
            description="Epochs between two decisions; by default a fifteenth of the run.",
        )

    def fit(self, run: lnlbench.Run) -> None:
        """Train one network, and decide every few epochs which samples it learns from."""
        self.network = run.network()
        self.optimizer = run.optimizer(self.network)
        self.kept = torch.ones(run.num_samples, dtype=torch.bool, device=run.device)
        self.pruned = False
        warmup = warmup_length(self.params.warmup_epochs, WARMUP_SHARE, run.max_epochs)
        every = warmup_length(self.params.prune_every, PRUNING_SHARE, run.max_epochs)
        for epoch in run.epochs():
            if epoch >= warmup and (epoch - warmup) % every == 0:
                self._prune(run)
            for batch in run.batches(views=1):
                logits, kept = self.network(batch.views[0]), self.kept[batch.index]
                q, threshold = self.params.q, self.params.threshold
                run.step(truncated_loss(logits, batch.labels, kept, q, threshold), self.optimizer)

    def _prune(self, run: lnlbench.Run) -> None:
        """Keep the samples whose label has a probability above the threshold."""
        on_label = label_probability(run.logits(self.network), run.labels)
        self.kept = on_label > self.params.threshold
        self.pruned = True
        if not self.kept.any():
            self.kept = torch.ones_like(self.kept)
            run.event("nothing kept", "no label is likelier than the threshold: keeping all")
        run.log(kept_share=self.kept.float().mean())

    def clean_probability(self) -> Tensor | None:
        """1 for the samples that are kept, 0 for the others; None before the first decision."""
        return self.kept.float() if self.pruned else None
