"""PES (semi) (Bai et al., NeurIPS 2021): progressive early stopping, then MixMatch.

Reference: github.com/tmllab/2021_NeurIPS_PES at ec5290d, PES_noisylabels.py, the authors' program
for CIFAR-N. Details and deviations: docs/pes-semi.md.
"""

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy, log_softmax, one_hot

import lnlbench
from lnlbench.pieces import mixmatch, mixup
from lnlbench.pieces.ramps import linear_rampup
from lnlbench.pieces.selection import split_by_belief
from lnlbench.pieces.warmup import warmup_length
from lnlbench_early_learning.progressive import (
    ProgressiveParams,
    class_weights,
    confidence_belief,
    doubly_seen,
    refine,
)

VIEWS = ("weak", "weak")
# The authors train 35 of 300 epochs on CIFAR-100N before they renew the classifier.
WARMUP_SHARE = 35 / 300


def weighted_soft_cross_entropy(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy of logits [B, C] with soft labels [B, C], each class weighed by `weights` [C].

    The mean over the batch is not divided by the weights.
    """
    return -(weights * targets * log_softmax(logits, 1)).sum(1).mean()


def batch_sizes(labeled: int, unlabeled: int, batch_size: int) -> tuple[int, int]:
    """How many samples of either set share a batch, given how many there are in all.

    The unlabeled set has its share of the batch, but at most a half; if it is not empty, at least
    two, and the labeled set at least two.
    """
    if unlabeled == 0:
        return batch_size, 0
    share = min(unlabeled / (labeled + unlabeled), 0.5)
    others = max(2, int(share * batch_size))
    return max(2, batch_size - others), others


class PESSemi(lnlbench.Method):
    """A classifier that stopped early divides the samples, and MixMatch learns from both sets."""

    name = "pes-semi"
    reference = (
        "Bai et al., Understanding and Improving Early Stopping for Learning with Noisy Labels, "
        "NeurIPS 2021, arxiv.org/abs/2106.15853"
    )
    quick_params: ClassVar = {"warmup_epochs": 1, "refine_epochs": 1}
    recipes = {  # noqa: RUF012 - declared as a ClassVar by the base class
        "cifar10": lnlbench.Recipe(
            params={"lambda_u": 5.0}, note="The authors' weight of the unlabeled loss on CIFAR-10N."
        ),
        "native": lnlbench.Recipe(
            schedule={
                "backbone": "resnet34",
                "epochs": 300,
                "batch_size": 128,
                "optimizer": {"name": "sgd", "lr": 0.02, "momentum": 0.9, "weight_decay": 5e-4},
                "milestones": [],
                "cosine_to": 0.01,
            },
            note="The authors' CIFAR-100N schedule: a cosine from 0.02 to 0.0002.",
        ),
    }

    class Params(ProgressiveParams):
        """Defaults are the authors' values for CIFAR-100N."""

        lambda_u: Annotated[float, lnlbench.SearchRange(0.0, 150.0)] = Field(
            75.0, ge=0, le=1e6, description="Weight of the unlabeled loss after its ramp-up."
        )
        rampup_epochs: float = Field(
            16, ge=0, le=1e5, description="Epochs over which that weight rises from 0."
        )
        temperature: float = Field(
            0.5, ge=0.1, le=10, description="Temperature that guessed labels are sharpened with."
        )
        mixup_alpha: float = Field(
            4.0, gt=0, le=1e6, description="Mixing shares are drawn from Beta(alpha, alpha)."
        )
        late_mixup_alpha: float = Field(
            0.75, gt=0, le=1e6, description="The same, in the second half of the run."
        )
        largest_class_weight: float = Field(
            3.0,
            ge=1,
            le=1e6,
            description="A class with few confident samples counts more in the labeled loss, but "
            "at most this much.",
        )

    def fit(self, run: lnlbench.Run) -> None:
        """Cross-entropy; a new classifier; then MixMatch, with sets that every epoch makes anew."""
        self.network = run.network()
        self.optimizer = run.optimizer(self.network)
        self.belief: Tensor | None = None
        params = self.params
        warmup_epochs = warmup_length(params.warmup_epochs, WARMUP_SHARE, run.max_epochs)
        for epoch in run.epochs():
            if epoch < warmup_epochs:
                for batch in run.batches(views=1):
                    loss = cross_entropy(self.network(batch.views[0]), batch.labels)
                    run.step(loss, self.optimizer)
                continue
            if epoch == warmup_epochs:
                refine(run, self.network, self.optimizer, [(0, params.refine_epochs)], params)
            self.belief = confidence_belief(doubly_seen(run, self.network), run.labels)
            self._learn(run, *split_by_belief(run, self.belief, threshold=0.5), warmup_epochs)

    def _learn(
        self, run: lnlbench.Run, labeled: Tensor, unlabeled: Tensor, warmup_epochs: int
    ) -> None:
        """One epoch of MixMatch, as many steps as one of cross-entropy, without its last rest."""
        params = self.params
        weights = class_weights(run.labels[labeled], run.num_classes, params.largest_class_weight)
        size, other_size = batch_sizes(len(labeled), len(unlabeled), run.batch_size)
        batches = mixmatch.endless_batches(run, labeled, size, VIEWS)
        others = mixmatch.endless_batches(run, unlabeled, other_size, VIEWS)
        steps = max(1, run.num_samples // run.batch_size)
        for step in range(steps):
            position = run.epoch + step / steps - warmup_epochs
            weight = params.lambda_u * linear_rampup(position, params.rampup_epochs)
            loss = self._loss(run, next(batches), next(others, None), weights, weight)
            run.step(loss, self.optimizer)

    def _loss(
        self,
        run: lnlbench.Run,
        batch: lnlbench.Batch,
        other: lnlbench.Batch | None,
        class_weights: Tensor,
        unlabeled_weight: float,
    ) -> Tensor:
        """Mixed samples: weighted cross-entropy with given labels, squared error with guessed."""
        views, labels = list(batch.views), one_hot(batch.labels, run.num_classes).float()
        targets = [labels, labels]
        if other is not None:
            with torch.no_grad():  # in training mode, as the authors do
                guessed = mixmatch.mean_probabilities([self.network(view) for view in other.views])
            views += other.views
            targets += [mixmatch.sharpen(guessed, self.params.temperature)] * 2
        early = run.epoch < run.max_epochs / 2
        alpha = self.params.mixup_alpha if early else self.params.late_mixup_alpha
        share = mixup.draw_share(alpha, run.generator)
        partners = mixup.draw_partners(sum(map(len, views)), run.generator, run.device)
        logits = self.network(mixup.mix(torch.cat(views), share, partners))
        mixed = mixup.mix(torch.cat(targets), share, partners)
        count = 2 * len(labels)
        loss = weighted_soft_cross_entropy(logits[:count], mixed[:count], class_weights)
        if other is not None:
            loss = loss + unlabeled_weight * mixmatch.unlabeled_loss(logits[count:], mixed[count:])
        return loss

    def clean_probability(self) -> Tensor | None:
        """Above 1/2 for confident samples; None before they are first found."""
        return self.belief
