"""MentorMix (Jiang et al., ICML 2020): MentorNet's weights choose the partners of mixup.

Reference: github.com/google-research/google-research, mentormix/code at 0c1bbe5. Details and
deviations: docs/methods/mentormix.md.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import torch
from pydantic import AfterValidator, Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot, softmax

from lnlbench.document import LeftOut
from lnlbench.interface.batch import Batch
from lnlbench.interface.method import Method
from lnlbench.interface.param_checks import Stages, covers_the_training
from lnlbench.interface.params import Recipe, SearchRange
from lnlbench.interface.run import Run
from lnlbench.pieces import mixup
from lnlbench.pieces.averaging import update_average
from lnlbench.pieces.curriculum import (
    TRUSTING,
    CurriculumParams,
    drop_examples,
    dropout_rate,
    mentor_weights,
    percent_done,
    updated_threshold,
)
from lnlbench.pieces.kernel_decay import half_squares, take_decay


def choose_partners(weights: Tensor, generator: torch.Generator) -> Tensor:
    """For each sample of a batch a partner, int64 [B], drawn from softmax(weights [B])."""
    cumulative = softmax(weights.double(), 0).cumsum(0)
    draws = torch.rand(len(weights), generator=generator, dtype=torch.float64)
    partners = torch.searchsorted(cumulative, draws.to(weights.device, non_blocking=True))
    # Rounding may leave the last sum just below one.
    return partners.clamp(max=len(weights) - 1)


def mentored_shares(shares: Tensor, weights: Tensor) -> Tensor:
    """The shares [B] of the samples themselves; a sample of weight below 0.5 gets the smaller."""
    return torch.where(weights >= 0.5, shares, 1 - shares)


class MentorMix(Method):
    """One network trained on mixed pairs whose partners and shares follow a curriculum."""

    name = "mentormix"
    reference = (
        "Jiang et al., Beyond Synthetic Noise (MentorMix), ICML 2020, arxiv.org/abs/1911.09781"
    )
    recipes = {  # noqa: RUF012 - declared as a ClassVar by the base class
        "native": Recipe(
            params={"weighted_decay": True},
            schedule={
                "epochs": 512,
                "batch_size": 128,
                "optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 2e-4},
                "milestones": [epoch / 512 for epoch in range(30, 512, 30)],
                "gamma": 0.9,
            },
            note="The authors' 200,000 steps on CIFAR-100; the network stays the track's.",
        )
    }

    class Params(CurriculumParams):
        """Defaults are the authors' values for CIFAR-100 at 40 % noise."""

        loss_percentile: Annotated[float, SearchRange(0.1, 0.9)] = Field(
            0.5,
            ge=0,
            le=1,
            description="Share of a batch whose largest loss is the threshold; the authors use "
            "0.7, 0.5, 0.3 and 0.1 at 20, 40, 60 and 80 % noise.",
        )
        burn_in: int = Field(
            10,
            ge=0,
            le=100,
            description="Percent of the training with weight one for every sample.",
        )
        example_dropout: Annotated[Stages, AfterValidator(covers_the_training)] = Field(
            ((0.0, 100),),
            description="Pairs of a rate and the percent of the training for which it holds, "
            "in order, together 100 %. The rate is the share of each batch whose weights become "
            "zero.",
        )
        mixup_alpha: Annotated[float, SearchRange(0.5, 16.0, log=True)] = Field(
            8.0,
            gt=0,
            description="λ is drawn for each sample from Beta(alpha, alpha); the authors use 2, 8, "
            "4 and 8 at 20, 40, 60 and 80 % noise.",
        )
        second_weighting: bool = Field(
            False, description="Also weight the losses of the mixed samples by the curriculum."
        )
        drop_weight_decay: bool = Field(
            False,
            description="Train without weight decay, as the authors' code does whenever the "
            "second weighting is on.",
        )
        weighted_decay: Annotated[bool, LeftOut()] = Field(
            False,
            description="Apply the weight decay to kernels of convolutions and dense layers alone, "
            "as the authors do; with the second weighting, multiply it by the mean weight.",
        )
        ema_decay: float = Field(
            0.9999,
            ge=0,
            lt=1,
            description="Share of the averaged weights that remains after a step; the method "
            "predicts by them.",
        )

    def fit(self, run: Run) -> None:
        """Weigh, mix and train, batch by batch, and average the weights."""
        self.network, self.average = run.network(), run.network()
        self.optimizer = run.optimizer(self.network)
        if self.params.drop_weight_decay:
            for group in self.optimizer.param_groups:
                group["weight_decay"] = 0.0
        self.decay = take_decay(self.optimizer) if self.params.weighted_decay else 0.0
        self.threshold = torch.zeros((), device=run.device)
        self.mixed_threshold = torch.zeros((), device=run.device)
        self.weights = torch.ones(run.num_samples, device=run.device)
        self.averaged = 0
        for epoch in run.epochs():
            seen = 0
            for batch in run.batches(views=1):
                percent = percent_done(epoch, seen, run.num_samples, run.max_epochs)
                seen += len(batch.index)
                images, labels = self._mix(run, batch, percent)
                run.step(self._loss(run, images, labels, percent), self.optimizer)
                # Running statistics are copied: the authors average trained parameters alone.
                decay = self.params.ema_decay
                update_average(self.average, self.network, self.averaged, decay, buffers="copied")
                self.averaged += 1

    def trained_networks(self) -> list[nn.Module]:
        """The average alone: the network it is made of is never scored."""
        return [self.average]

    def clean_probability(self) -> Tensor | None:
        """Each sample's latest weight before dropout; None where weights mean no trust."""
        return self.weights if self.params.curriculum in TRUSTING else None

    @torch.no_grad()
    def _mix(self, run: Run, batch: Batch, percent: int) -> tuple[Tensor, Tensor]:
        """Mixed images [B, ...] and soft labels [B, C]."""
        with _still_statistics(self.network):
            losses = cross_entropy(self.network(batch.views[0]), batch.labels, reduction="none")
        self.threshold = updated_threshold(self.threshold, losses, self.params)
        weights = mentor_weights(losses, self.threshold, percent, self.params)
        self.weights[batch.index] = weights
        weights = drop_examples(weights, dropout_rate(percent, self.params), run.generator)
        partners = choose_partners(weights, run.generator)
        drawn = mixup.draw_shares(self.params.mixup_alpha, len(weights), run.generator)
        shares = mentored_shares(drawn.to(run.device, non_blocking=True), weights)
        images, labels = batch.views[0], one_hot(batch.labels, run.num_classes).to(shares.dtype)
        image_shares = shares.view(-1, *[1] * (images.dim() - 1))
        return (
            mixup.mix(images, image_shares, partners),
            mixup.mix(labels, shares.unsqueeze(1), partners),
        )

    def _loss(self, run: Run, images: Tensor, labels: Tensor, percent: int) -> Tensor:
        losses = cross_entropy(self.network(images), labels, reduction="none")
        if not self.params.second_weighting:
            return self._decayed(losses.mean(), 1.0)
        given = losses.detach()
        self.mixed_threshold = updated_threshold(self.mixed_threshold, given, self.params)
        weights = mentor_weights(given, self.mixed_threshold, percent, self.params)
        weights = drop_examples(weights, dropout_rate(percent, self.params), run.generator)
        return self._decayed((weights * losses).mean(), weights.mean())

    def _decayed(self, loss: Tensor, share: Tensor | float) -> Tensor:
        return loss + self.decay * half_squares(self.network) * share if self.decay else loss


@contextmanager
def _still_statistics(network: nn.Module) -> Iterator[None]:
    """Batch normalization by the batch that leaves the running statistics where they are."""
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d)
    layers = [module for module in network.modules() if isinstance(module, kinds)]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    try:
        yield
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
