"""CORES (Cheng et al., ICLR 2021): a confidence regularizer, and a sieve that it makes possible.

Reference: github.com/UCSC-REAL/cores at cf0945e, phase1.py and loss.py. Details and deviations:
docs/cores.md.
"""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import lnlbench
from lnlbench.pieces.confidence import expected_cross_entropy, regularizer_weight
from lnlbench.pieces.warmup import warmup_length

# Added to probabilities before a logarithm, in the authors' code.
FLOOR = 1e-8
# The authors keep every sample for 31 of 100 epochs.
WARMUP_SHARE = 31 / 100


def sieve_values(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy minus its mean over all labels, per sample [B]: above 0, a label is dropped.

    A label passes whose probability is at least the geometric mean of all probabilities.
    """
    uniform = torch.full_like(logits[0], 1 / logits.shape[1])
    losses = cross_entropy(logits, labels, reduction="none")
    return losses - expected_cross_entropy(logits, uniform, FLOOR)


def regularized_loss(
    logits: Tensor, labels: Tensor, kept: Tensor, prior: Tensor, weight: float
) -> Tensor:
    """Mean over the `kept` samples (bool [B]) of cross-entropy - weight * its mean under the prior.

    `prior` [C] is the distribution of the labels. The loss is 0 where no sample is kept.
    """
    losses = cross_entropy(logits, labels, reduction="none")
    losses = losses - weight * expected_cross_entropy(logits, prior, FLOOR)
    return (losses * kept).sum() / kept.sum().clamp(min=1)


class Cores(lnlbench.LossMethod):
    """Cross-entropy with a confidence regularizer; later, unlikely labels are dropped."""

    name = "cores"
    reference = "Cheng et al., A Sample Sieve Approach, ICLR 2021, arxiv.org/abs/2010.02347"
    quick_params: ClassVar = {"warmup_epochs": 1}
    recipes = {  # noqa: RUF012 - declared as a ClassVar by the base class
        "native": lnlbench.Recipe(
            schedule={
                "backbone": "resnet34",
                "epochs": 100,
                "batch_size": 64,
                "optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.0, "weight_decay": 0.0},
                "milestones": [0.5],
            },
            note="The authors' first phase on CIFAR-10; they have no settings for CIFAR-100.",
        )
    }

    class Params(lnlbench.Params):
        """Defaults are the authors' values; the plan of the weight is stretched to the run."""

        beta: float = Field(
            2.0, ge=0, le=100, description="Largest weight of the regularizer; β in the paper."
        )
        warmup_epochs: int | None = Field(
            None,
            ge=0,
            le=100_000,
            description="Epochs before samples are first left out; by default 31 hundredths of "
            "the run.",
        )

    def begin(self, run: lnlbench.Run) -> None:
        """Nothing is dropped yet, and the prior is the distribution of the given labels."""
        counts = run.labels.bincount(minlength=run.num_classes)
        self.counts = counts.float()
        self.prior = self.counts / self.counts.sum()
        self.kept = torch.ones(run.num_samples, dtype=torch.bool, device=run.device)
        self.values: Tensor | None = None
        self.planned = self.plan_epochs(run)
        self.sieve_from = warmup_length(self.params.warmup_epochs, WARMUP_SHARE, self.planned)

    def plan_epochs(self, run: lnlbench.Run) -> int:
        """The length that the plan of the weight and of the sieve is stretched to."""
        return run.max_epochs

    def begin_epoch(self, run: lnlbench.Run, epoch: int) -> None:
        """Weigh the regularizer, and divide the epoch's learning rate by 1 + its weight."""
        self.weight = regularizer_weight(epoch, self.planned, self.params.beta)
        for group in self.optimizer.param_groups:
            group["lr"] /= 1 + self.weight
        if epoch == self.sieve_from:
            self.values = torch.zeros(run.num_samples, device=run.device)

    def loss(self, network: nn.Module, batch: lnlbench.Batch, epoch: int) -> Tensor:
        """The regularized loss of those samples of the batch that pass the sieve."""
        logits = network(batch.views[0]).float()
        if self.values is not None:
            values = sieve_values(logits.detach(), batch.labels)
            self.values[batch.index], self.kept[batch.index] = values, values <= 0
        kept = self.kept[batch.index]
        return regularized_loss(logits, batch.labels, kept, self.prior, self.weight)

    def end_epoch(self, run: lnlbench.Run, epoch: int) -> None:
        """Take the dropped samples out of the prior."""
        kept = run.labels[self.kept].bincount(minlength=run.num_classes).float()
        kept = kept if kept.sum() > 0 else self.counts
        self.prior = kept / kept.sum()
        run.log(kept_share=self.kept.float().mean(), regularizer_weight=self.weight)

    def clean_probability(self) -> Tensor | None:
        """1 for the samples that passed the sieve in the last epoch, 0 for the others."""
        return None if self.values is None else self.kept.float()

    def criterion(self) -> lnlbench.Criterion | None:
        """What the sieve compares with 0."""
        name = "loss above its mean over all labels"
        return None if self.values is None else lnlbench.Criterion(name, self.values, 0.0)
