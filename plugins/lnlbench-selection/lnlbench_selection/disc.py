"""DISC (Li et al., CVPR 2023): every sample has thresholds of its own, which select and correct.

Reference: github.com/JackYFL/DISC at a21e910, algorithms/DISC.py. Details and deviations:
docs/disc.md.
"""

from typing import ClassVar, NamedTuple

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot, softmax

import lnlbench
from lnlbench.pieces import mixup
from lnlbench.pieces.label_losses import generalized_cross_entropy
from lnlbench.pieces.selection import record_selection
from lnlbench.pieces.warmup import warmup_length

VIEWS = ("weak", "strong")
# No sample has to be surer than this for a correction.
LARGEST_CONFIDENCE = 0.99


class Division(NamedTuple):
    """What each sample counts as, bool [N], and the labels int64 [N] that are mixed.

    Labels that both views confirm are `clean`; labels that one view confirms are `hard`; `purified`
    are samples without a confirmed label whose predicted class replaces it.
    """

    clean: Tensor
    hard: Tensor
    purified: Tensor
    labels: Tensor


def margins(probabilities: Tensor, thresholds: Tensor, labels: Tensor) -> Tensor:
    """Probability of the given label minus the threshold, [2, N]; above 0 a view confirms a label.

    `probabilities` [2, N, C] and `thresholds` [2, N] are those of the weak and the strong view.
    """
    return probabilities[:, torch.arange(len(labels)), labels] - thresholds


def divide(probabilities: Tensor, thresholds: Tensor, labels: Tensor, gap: float) -> Division:
    """The division of N samples by both views; arguments as for `margins`.

    A label is corrected where the mean prediction is surer than the mean threshold plus `gap`.
    """
    weak, strong = margins(probabilities, thresholds, labels) > 0
    confidence, predicted = probabilities.mean(0).max(1)
    sure = confidence > (thresholds.mean(0) + gap).clamp(max=LARGEST_CONFIDENCE)
    purified = sure & ~(weak | strong)
    return Division(
        weak & strong, weak ^ strong, purified, torch.where(purified, predicted, labels)
    )


def moved_thresholds(thresholds: Tensor, probabilities: Tensor, momentum: float) -> Tensor:
    """Thresholds [2, N] that move towards the largest probability of each view."""
    return momentum * thresholds + (1 - momentum) * probabilities.amax(2)


def selected_loss(
    logits: Tensor, labels: Tensor, clean: Tensor, hard: Tensor, hard_weight: float, q: float
) -> Tensor:
    """Cross-entropy of clean samples and generalized cross-entropy of hard ones, mean over B.

    `logits` [2, B, C] are those of both views, whose losses are added.
    """
    views = [
        clean * cross_entropy(view, labels, reduction="none")
        + hard_weight * hard * generalized_cross_entropy(view, labels, q)
        for view in logits
    ]
    return torch.stack(views).sum(0).mean()


class DISC(lnlbench.Method):
    """Thresholds of each sample follow its confidence; above them a label is kept or corrected."""

    name = "disc"
    reference = (
        "Li et al., DISC: Learning from Noisy Labels via Dynamic Instance-Specific Selection and "
        "Correction, CVPR 2023, https://openaccess.thecvf.com/content/CVPR2023/html/Li_DISC_"
        "Learning_From_Noisy_Labels_via_Dynamic_Instance-Specific_Selection_and_CVPR_2023_paper.html"
    )
    quick_params: ClassVar = {"warmup_epochs": 1}
    recipes = {  # noqa: RUF012 - declared as a ClassVar by the base class
        "high-noise": lnlbench.Recipe(
            params={"momentum": 0.95, "hard_weight": 0.2},
            note="The authors' values where they know that 60 % or more of the labels are wrong.",
        ),
        "native": lnlbench.Recipe(
            schedule={
                "backbone": "resnet18",
                "epochs": 200,
                "batch_size": 128,
                "optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.0, "weight_decay": 1e-3},
                "milestones": [0.4, 0.8],
            },
            note="The authors' CIFAR schedule up to 60 % noise: SGD without momentum.",
        ),
    }

    class Params(lnlbench.Params):
        """Defaults are the authors' values for CIFAR-100 with up to half of the labels wrong."""

        momentum: float = Field(
            0.99, ge=0, lt=1, description="Share of a threshold that remains after an epoch."
        )
        gap: float = Field(
            0.5,
            ge=0,
            le=1,
            description="A label is corrected if the prediction is surer than the threshold by "
            "this; the authors' sigma.",
        )
        hard_weight: float = Field(
            1.0, ge=0, le=1e6, description="Weight of the loss of labels that one view confirms."
        )
        q: float = Field(
            0.7, gt=0, le=1, description="Exponent of generalized cross-entropy on these labels."
        )
        mixup_alpha: float = Field(
            5.0, gt=0, le=1e6, description="Mixing shares are drawn from Beta(alpha, alpha)."
        )
        warmup_epochs: int | None = Field(
            None,
            ge=0,
            le=100_000,
            description="Epochs of cross-entropy on all samples; by default a tenth of the run, "
            "like the authors' 20 of 200.",
        )

    def augmentations(self) -> tuple[str, ...]:
        """The augmentations of one batch's views."""
        return VIEWS

    def fit(self, run: lnlbench.Run) -> None:
        """Train one network on all samples, later on those that its thresholds leave."""
        run.require_views(*self.augmentations())
        self.network = run.network()
        self.optimizer = run.optimizer(self.network)
        samples, classes = run.num_samples, run.num_classes
        # The last predictions of each sample while it was trained on; row 0 is the weak view.
        self.probabilities = torch.zeros(2, samples, classes, device=run.device)
        self.thresholds = torch.full((2, samples), 1 / samples, device=run.device)
        self.margin: Tensor | None = None
        everything = torch.ones(samples, dtype=torch.bool, device=run.device)
        self.division = [everything, ~everything, ~everything, run.labels.clone()]
        warmup_epochs = warmup_length(self.params.warmup_epochs, 1 / 10, run.max_epochs)
        for epoch in run.epochs():
            self._train(run, mixes=epoch >= warmup_epochs)
            division = self._divide(run)
            if epoch + 1 >= warmup_epochs:
                self.division = list(division)

    def _train(self, run: lnlbench.Run, mixes: bool) -> None:
        """One epoch; each step also notes what the network says of its samples."""
        params = self.params
        for batch in run.batches(augment=VIEWS):
            logits = torch.stack(self.network(torch.cat(batch.views)).chunk(2))
            self.probabilities[:, batch.index] = softmax(logits.detach(), 2)
            clean, hard, purified, labels = (each[batch.index] for each in self.division)
            loss = selected_loss(logits, batch.labels, clean, hard, params.hard_weight, params.q)
            learned = clean | hard | purified
            if not learned.any():
                continue
            # Batch normalization cannot train on one sample.
            if mixes and learned.sum() > 1:
                loss = loss + sum(
                    self._mixup_loss(run, view[learned], labels[learned]) for view in batch.views
                )
            run.step(loss, self.optimizer)

    def _mixup_loss(self, run: lnlbench.Run, images: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy of images that are mixed with each other, and of their mixed labels."""
        share = mixup.draw_share(self.params.mixup_alpha, run.generator)
        partners = mixup.draw_partners(len(images), run.generator, run.device)
        targets = one_hot(labels, run.num_classes).to(images.dtype)
        logits = self.network(mixup.mix(images, share, partners))
        return mixup.soft_cross_entropy(logits, mixup.mix(targets, share, partners))

    def _divide(self, run: lnlbench.Run) -> Division:
        """Divide the samples by the thresholds as they are; then let the thresholds follow."""
        division = divide(self.probabilities, self.thresholds, run.labels, self.params.gap)
        self.margin = margins(self.probabilities, self.thresholds, run.labels).amin(0)
        self.thresholds = moved_thresholds(
            self.thresholds, self.probabilities, self.params.momentum
        )
        record_selection(run, division.clean, "clean")
        run.log(
            hard_share=division.hard.float().mean(), purified_share=division.purified.float().mean()
        )
        return division

    def clean_probability(self) -> Tensor | None:
        """The smaller margin of both views, moved to [0, 1]: above 1/2 both confirm the label."""
        return None if self.margin is None else (1 + self.margin) / 2

    def criterion(self) -> lnlbench.Criterion | None:
        """The smaller margin of both views; the label is clean above 0."""
        if self.margin is None:
            return None
        return lnlbench.Criterion("smaller margin of both views", self.margin, threshold=0.0)
