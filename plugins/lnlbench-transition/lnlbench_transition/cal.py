"""CAL (Zhu et al., CVPR 2021): cross-entropy that is corrected by covariances of losses and labels.

Reference: github.com/UCSC-REAL/CAL at bdb376b, models/peerreg_CAL.py, lossfuncs/peerloss.py and
experiments/exptPeerReg.py. Details and deviations: docs/cal.md.
"""

from typing import ClassVar, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import softmax

import lnlbench
from lnlbench.pieces.confidence import expected_cross_entropy
from lnlbench.pieces.ramps import linear_rampup
from lnlbench.pieces.warmup import warmup_length

# Added to probabilities before a logarithm: in cross-entropy, and in all other terms.
FLOOR, OTHER_FLOOR = 1e-8, 1e-5
# The authors' first run is of use for 66 of its 100 epochs, and drops its rate after 60.
SIEVE_EPOCHS, SIEVE_DROP, FULL_EPOCHS = 66, 60, 100


def regularizer_weight(progress: float, largest: float) -> float:
    """0 up to epoch 10 and `largest` from epoch 40 on, if 100 epochs have a `progress` of 1."""
    return largest * linear_rampup(progress - 0.1, 0.3)


def distilled_labels(logits: Tensor, labels: Tensor, threshold: float) -> Tensor:
    """The sieve, int64 [B]: labels that are likely enough, and the predicted class elsewhere.

    A label is kept if its loss minus the mean loss of all labels is below the `threshold`.
    """
    losses = -(softmax(logits, 1) + FLOOR).log()
    values = losses.gather(1, labels.unsqueeze(1)).squeeze(1) - losses.mean(1)
    return torch.where(values < threshold, labels, logits.argmax(1))


def regularized_loss(logits: Tensor, labels: Tensor, prior: Tensor, weight: float) -> Tensor:
    """Mean cross-entropy minus `weight` times its sum over all labels, weighted by `prior` [C]."""
    on_label = softmax(logits, 1).gather(1, labels.unsqueeze(1))
    regularizer = expected_cross_entropy(logits, prior, OTHER_FLOOR).mean()
    return -(on_label + FLOOR).log().mean() - weight * regularizer


class Flips(NamedTuple):
    """How given labels vary within the classes of distilled labels.

    `counts` int64 [C] and `classes` [C] are the number and the share of the samples of each class;
    `given[i, j]` is the share of label j in class i, and 0 in an empty class.
    """

    counts: Tensor
    classes: Tensor
    given: Tensor


def observed_flips(distilled: Tensor, labels: Tensor, num_classes: int) -> Flips:
    """The flips from distilled labels to given `labels`, both int64 [N]."""
    joint = (distilled * num_classes + labels).bincount(minlength=num_classes**2)
    joint = joint.view(num_classes, num_classes)
    counts = joint.sum(1)
    return Flips(counts, counts / len(labels), joint / counts.clamp(min=1).unsqueeze(1))


def label_losses(logits: Tensor) -> Tensor:
    """The loss [B, C] of each label."""
    return -(softmax(logits, 1) + OTHER_FLOOR).log()


def covariance(
    losses: Tensor, labels: Tensor, distilled: Tensor, flips: Flips, mean_losses: Tensor
) -> Tensor:
    """Covariances of the losses of all labels with which label was given, added over the classes.

    `losses` [B, C] are those of each label, and `mean_losses` [C, C] their means over the class of
    a distilled label. A class counts by its share of all samples, not of the batch.
    """
    deviations = losses - mean_losses[distilled]
    on_label = deviations.gather(1, labels.unsqueeze(1)).squeeze(1)
    expected = (flips.given[distilled] * deviations).sum(1)
    in_batch = distilled.bincount(minlength=len(flips.classes)).clamp(min=1)
    return ((flips.classes / in_batch)[distilled] * (on_label - expected)).sum()


def label_shares(run: lnlbench.Run) -> Tensor:
    """How frequent each given label is, [C]."""
    return run.labels.bincount(minlength=run.num_classes) / run.num_samples


def slow_down(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Multiply the learning rate that the schedule has for this epoch."""
    for group in optimizer.param_groups:
        group["lr"] *= factor


class CAL(lnlbench.Method):
    """A first network distills labels; a second one learns with their covariances subtracted."""

    name = "cal"
    reference = (
        "Zhu, Liu, Liu, A Second-Order Approach to Learning with Instance-Dependent Label Noise, "
        "CVPR 2021, arxiv.org/abs/2012.11854"
    )
    quick_params: ClassVar = {"sieve_epochs": 1}
    recipes = {  # noqa: RUF012 - declared as a ClassVar by the base class
        "cifar10": lnlbench.Recipe(
            params={"sieve_regularizer": 2.0},
            note="The authors' weight for CIFAR-10.",
        ),
        "native": lnlbench.Recipe(
            params={"sieve_epochs": SIEVE_EPOCHS},
            schedule={
                "backbone": "resnet34",
                "epochs": SIEVE_EPOCHS + FULL_EPOCHS,
                "batch_size": 128,
                "optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 5e-4},
                "milestones": [(SIEVE_EPOCHS + 60) / (SIEVE_EPOCHS + FULL_EPOCHS)],
            },
            note="The authors' two runs for CIFAR-100, one after the other.",
        ),
    }

    class Params(lnlbench.Params):
        """Defaults are the authors' values for CIFAR-100."""

        sieve_epochs: int | None = Field(
            None,
            ge=1,
            le=100_000,
            description="Epochs of the first network; by default 66 of 166 parts of the run.",
        )
        sieve_regularizer: float = Field(
            1.0,
            ge=0,
            le=100,
            description="Largest weight of the first network's regularizer, which rewards "
            "confidence; the authors' alpha.",
        )
        regularizer: float = Field(
            1.0, ge=0, le=100, description="Largest weight of the second network's regularizer."
        )
        prior_factor: float | None = Field(
            None,
            gt=0,
            le=1000,
            description="Multiplies the regularizer, but not what divides the learning rate; by "
            "default a tenth of the number of classes.",
        )
        sieve_threshold: float = Field(
            -8.0,
            ge=-50,
            le=50,
            description="A label is kept if its loss minus the mean loss of all labels is below.",
        )

    def fit(self, run: lnlbench.Run) -> None:
        """Train a network that distills labels, and another one from scratch that uses them."""
        self.sieve_network, self.network = run.network(), run.network()
        self.sieve_optimizer = run.optimizer(self.sieve_network)
        self.optimizer = run.optimizer(self.network)
        self.distilled: Tensor | None = None
        self.kept: Tensor | None = None
        self.mean_losses = torch.zeros(run.num_classes, run.num_classes, device=run.device)
        self.corrects = False
        sieve_epochs = warmup_length(self.params.sieve_epochs, 66 / 166, run.max_epochs)
        for epoch in run.epochs():
            if epoch < sieve_epochs:
                self._sieve_epoch(run, epoch, sieve_epochs)
            else:
                self.corrects = True
                left = run.max_epochs - sieve_epochs
                self._corrected_epoch(run, (epoch - sieve_epochs) / left)

    def _sieve_epoch(self, run: lnlbench.Run, epoch: int, epochs: int) -> None:
        """Train the first network; in its last epoch, distill labels as the samples pass."""
        authors_epoch = SIEVE_EPOCHS * epoch / epochs
        weight = regularizer_weight(authors_epoch / FULL_EPOCHS, self.params.sieve_regularizer)
        drop = 0.1 if authors_epoch >= SIEVE_DROP else 1.0
        slow_down(self.sieve_optimizer, drop / (1 + weight))
        shares = label_shares(run).sqrt()
        prior = self._prior_factor(run) * shares / shares.sum()
        if epoch == epochs - 1:
            self.distilled = run.labels.clone()
        for batch in run.batches(views=1):
            logits = self.sieve_network(batch.views[0]).float()
            if self.distilled is not None:
                self.distilled[batch.index] = distilled_labels(
                    logits.detach(), batch.labels, self.params.sieve_threshold
                )
            loss = regularized_loss(logits, batch.labels, prior, weight)
            run.step(loss, self.sieve_optimizer)
        run.log(regularizer_weight=weight)
        if self.distilled is not None:
            self.kept = self.distilled == run.labels
            run.log(kept_share=self.kept.float().mean())

    def _corrected_epoch(self, run: lnlbench.Run, progress: float) -> None:
        """Train the second network, and take the mean losses for the next epoch."""
        assert self.distilled is not None
        weight = regularizer_weight(progress, self.params.regularizer)
        slow_down(self.optimizer, 1 / (1 + weight))
        prior = self._prior_factor(run) * label_shares(run)
        flips = observed_flips(self.distilled, run.labels, run.num_classes)
        sums = torch.zeros_like(self.mean_losses)
        for batch in run.batches(views=1):
            logits = self.network(batch.views[0]).float()
            distilled, losses = self.distilled[batch.index], label_losses(logits)
            correction = covariance(losses, batch.labels, distilled, flips, self.mean_losses)
            loss = regularized_loss(logits, batch.labels, prior, weight) - correction
            run.step(loss, self.optimizer)
            run.log(covariance=correction.detach())
            sums.index_add_(0, distilled, losses.detach())
        self.mean_losses = sums / flips.counts.clamp(min=1).unsqueeze(1)
        run.log(regularizer_weight=weight)

    def _prior_factor(self, run: lnlbench.Run) -> float:
        factor = self.params.prior_factor
        return run.num_classes / 10 if factor is None else factor

    def trained_networks(self) -> list[nn.Module]:
        """The network of the stage that is running."""
        return [self.network if self.corrects else self.sieve_network]

    def clean_probability(self) -> Tensor | None:
        """1 where the distilled label is the given one, 0 elsewhere."""
        return None if self.kept is None else self.kept.float()
