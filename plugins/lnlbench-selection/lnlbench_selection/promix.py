"""ProMix (Xiao et al., IJCAI 2023): many clean samples, and two heads for each of two networks.

Reference: github.com/Justherozen/ProMix at 40d8378, Train_promix.py and utils/. Details and
deviations: docs/promix.md.
"""

import math
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softmax

import lnlbench
from lnlbench.pieces import mixmatch
from lnlbench.pieces.ramps import linear_rampup
from lnlbench.pieces.selection import record_selection
from lnlbench.pieces.warmup import warmup_length
from lnlbench_selection.class_balance import smallest_of_each_class
from lnlbench_selection.two_heads import HeadParams, Learner, Seen, Weights, learner_loss, shifted

# Shares of the authors' 600 epochs.
WARMUP, RAMPUP, EXPANSION = 30 / 600, 50 / 600, 250 / 600


def agreed(selected: Tensor, probabilities: Tensor, threshold: float, fill: float) -> Tensor:
    """Samples, bool [B], that both networks give one class with more than `threshold` each.

    `selected`, bool [B], are left out, and the others are taken, the surest first, only until the
    share `fill` of the batch is selected. `probabilities` [2, B, C] are those of both networks.
    """
    confidence, predicted = probabilities.max(2)
    sure = (confidence > threshold).all(0) & (predicted[0] == predicted[1]) & ~selected
    missing = max(0, int(fill * len(selected)) - int(selected.sum()))
    order = confidence.mean(0).masked_fill(~sure, -1).argsort(descending=True, stable=True)
    return sure & torch.zeros_like(sure).index_fill_(0, order[:missing], True)


def moved_prior(prior: Tensor, probabilities: Tensor, chosen: Tensor, momentum: float) -> Tensor:
    """A prior [C] that moves towards the mean of the `chosen` (bool [B]) rows of [B, C], if any."""
    count = chosen.sum()
    mean = torch.where(chosen.unsqueeze(1), probabilities, 0).sum(0) / count.clamp(min=1)
    return torch.where(count > 0, momentum * prior + (1 - momentum) * mean, prior)


class ProMix(lnlbench.Method):
    """Two networks with two heads learn what each selects, and later what both agree on."""

    name = "promix"
    reference = (
        "Xiao et al., ProMix: Combating Label Noise via Maximizing Clean Sample Utility, IJCAI "
        "2023, arxiv.org/abs/2207.10276"
    )
    networks = 2
    quick_params: ClassVar = {"warmup_epochs": 1, "rampup_epochs": 2, "expansion_epochs": 1}
    recipes = {  # noqa: RUF012 - declared as a ClassVar by the base class
        "native": lnlbench.Recipe(
            schedule={
                "backbone": "resnet18",
                "epochs": 600,
                "batch_size": 256,
                "optimizer": {"name": "sgd", "lr": 0.05, "momentum": 0.9, "weight_decay": 5e-4},
                "milestones": [],
                "cosine_to": 0.001,
            },
            note="The authors' CIFAR-100N schedule: a cosine from 0.05 to 0.00005.",
        )
    }

    class Params(HeadParams):
        """Defaults are the authors' values for CIFAR-100N."""

        base_share: float = Field(
            0.5, gt=0, le=1, description="Share of N / C that every class gives; rho in the paper."
        )
        confidence_threshold: float = Field(
            0.95, ge=0, le=1, description="A label of larger probability is selected; tau."
        )
        prior_momentum: float = Field(
            0.9999, ge=0, lt=1, description="Share of the mean predictions that a step keeps."
        )
        unselected_weight: float = Field(
            0.1, ge=0, le=1e6, description="Largest weight of unselected samples, early in the run."
        )
        strong_magnitude: int = Field(
            15, ge=0, le=30, description="Magnitude, of 30, of a strong view's three operations."
        )
        warmup_epochs: int | None = Field(
            None,
            ge=0,
            le=100_000,
            description="Epochs of cross-entropy on all samples; by default 30/600 of the run.",
        )
        rampup_epochs: int | None = Field(
            None,
            ge=0,
            le=100_000,
            description="Epochs, counted from the first, in which the weight of strong and mixed "
            "views rises to 1; by default 50/600 of the run. The weight of unselected samples "
            "rises for twice as long, and is 0 from then on.",
        )
        expansion_epochs: int | None = Field(
            None,
            ge=0,
            le=100_000,
            description="Last epochs, in which agreement adds samples; by default 250/600 of them.",
        )
        expansion_fill: float = Field(
            0.9, ge=0, le=1, description="Agreement adds samples up to this share of a batch."
        )
        confidence_penalty: float = Field(
            0.0, ge=0, le=1e6, description="Weight of the negative entropy in the warm-up."
        )

    def augmentations(self) -> tuple[str, ...]:
        """The augmentations of one batch's views."""
        return ("weak", f"randaugment:3:{self.params.strong_magnitude}")

    def fit(self, run: lnlbench.Run) -> None:
        """Warm up the primary heads; then select anew in every epoch and in every step."""
        run.require_views(*self.augmentations())
        self.network, self.peer = run.network(), run.network()
        inputs, classes = self.network.classifier.in_features, run.num_classes
        self.auxiliary = run.helper(nn.Linear(inputs, classes))
        self.peer_auxiliary = run.helper(nn.Linear(inputs, classes))
        self.optimizers = [
            run.optimizer(part)
            for part in (self.network, self.peer, self.auxiliary, self.peer_auxiliary)
        ]
        learners = Learner(self.network, self.auxiliary), Learner(self.peer, self.peer_auxiliary)
        # Mean predictions of each network for selected samples and for the others, [2, 2, C].
        self.priors = torch.full((2, 2, classes), 1 / classes, device=run.device)
        shape = (2, run.num_samples)
        self.losses: Tensor | None = None
        self.label_probability = torch.zeros(shape, device=run.device)
        self.selected = torch.zeros(shape, dtype=torch.bool, device=run.device)
        warmup_epochs = warmup_length(self.params.warmup_epochs, WARMUP, run.max_epochs)
        for epoch in run.epochs():
            if epoch < warmup_epochs:
                self._warm_up(run, learners)
            else:
                self._select(run)
                self._train(run, learners, epoch)

    def _warm_up(self, run: lnlbench.Run, learners: tuple[Learner, Learner]) -> None:
        weight = self.params.confidence_penalty
        for batch in run.batches(views=1):
            said = [learner.network(batch.views[0]) for learner in learners]
            losses = [
                cross_entropy(logits, batch.labels) + weight * mixmatch.confidence_penalty(logits)
                for logits in said
            ]
            run.step(torch.stack(losses).sum(), *self.optimizers[:2])

    def _select(self, run: lnlbench.Run) -> None:
        """Each network selects the samples of smallest loss in every class, for itself."""
        quota = max(1, math.ceil(self.params.base_share * run.num_samples / run.num_classes))
        logits = [run.logits(network) for network in (self.network, self.peer)]
        self.losses = torch.stack(
            [cross_entropy(each, run.labels, reduction="none") for each in logits]
        )
        self.selected = torch.stack(
            [smallest_of_each_class(row, run.labels, quota) for row in self.losses]
        )

    def _train(self, run: lnlbench.Run, learners: tuple[Learner, Learner], epoch: int) -> None:
        """One epoch of both networks, which take every step together."""
        weights = self._weights(epoch, run.max_epochs)
        expansion = warmup_length(self.params.expansion_epochs, EXPANSION, run.max_epochs)
        for batch in run.batches(augment=self.augmentations()):
            seen = [
                Seen(batch.views, [learner.both(view) for view in batch.views])
                for learner in learners
            ]
            plain = torch.stack([each.logits[0][0].detach() for each in seen])
            chosen, labels = self._choose(batch, plain, epoch >= run.max_epochs - expansion)
            losses = [
                learner_loss(run, self.params, *row, weights)
                for row in zip(learners, seen, labels, chosen, self.priors, strict=True)
            ]
            self._move_priors(softmax(plain, 2), chosen)
            run.step(torch.stack(losses).sum(), *self.optimizers)
        record_selection(run, self.selected.any(0), "selected")

    def _weights(self, epoch: int, max_epochs: int) -> Weights:
        """The weights of an epoch, which is counted from 0 and not from the end of the warm-up."""
        rampup = warmup_length(self.params.rampup_epochs, RAMPUP, max_epochs)
        unselected = self.params.unselected_weight * linear_rampup(epoch, 2 * rampup)
        return Weights(linear_rampup(epoch, rampup), unselected if epoch < 2 * rampup else 0.0)

    def _choose(self, batch: lnlbench.Batch, plain: Tensor, expands: bool) -> tuple[Tensor, Tensor]:
        """Which samples each network learns, bool [2, B], and with which labels, int64 [2, B].

        `plain` [2, B, C] are the primary logits of the weak view.
        """
        params, probabilities = self.params, softmax(plain, 2)
        own = probabilities[:, torch.arange(len(batch.index)), batch.labels]
        selected = self.selected[:, batch.index] | (own > params.confidence_threshold)
        self.selected[:, batch.index], self.label_probability[:, batch.index] = selected, own
        guessed = [
            shifted(logits, prior, -params.debias).argmax(1)
            for logits, prior in zip(plain, self.priors[:, 0], strict=True)
        ]
        labels = torch.where(selected, batch.labels, torch.stack(guessed))
        if not expands:
            return selected, labels
        limits = params.confidence_threshold, params.expansion_fill
        added = torch.stack([agreed(row, probabilities, *limits) for row in selected])
        return selected | added, labels

    def _move_priors(self, probabilities: Tensor, chosen: Tensor) -> None:
        """Let the priors follow the predictions [2, B, C] for chosen samples and for the others."""
        priors, momentum = self.priors.clone(), self.params.prior_momentum
        for row, rows in enumerate(probabilities):
            for column, mask in enumerate((chosen[row], ~chosen[row])):
                priors[row, column] = moved_prior(self.priors[row, column], rows, mask, momentum)
        self.priors = priors

    def clean_probability(self) -> Tensor | None:
        """Mean over both networks of (selected + probability of the given label) / 2."""
        if self.losses is None:
            return None
        return ((self.selected + self.label_probability) / 2).mean(0)

    def criterion(self) -> lnlbench.Criterion | None:
        """The losses by which the first network selects in every class."""
        if self.losses is None:
            return None
        return lnlbench.Criterion("loss of the first network", self.losses[0])
