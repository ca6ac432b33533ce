"""The losses of a network with two heads, as ProMix trains it (Xiao et al., IJCAI 2023).

Reference: github.com/Justherozen/ProMix at 40d8378, Train_promix.py and utils/utils.py. The primary
head predicts. The auxiliary head learns the samples that were not selected as well.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, log_softmax, one_hot, softmax

import lnlbench
from lnlbench.pieces import mixup
from lnlbench.pieces.mixmatch import sharpen
from lnlbench_selection import fmix


class HeadParams(lnlbench.Params):
    """What decides the losses; defaults are the authors' values for CIFAR-100N."""

    debias: float = Field(
        0.5, ge=0, le=10, description="Strength of the correction by the mean predictions."
    )
    temperature: float = Field(
        0.5, ge=0.1, le=10, description="Guessed labels of unselected samples are sharpened."
    )
    mixup_alpha: float = Field(
        4.0, gt=0, le=1e6, description="Mixup draws its shares from Beta(alpha, alpha)."
    )
    fmix_alpha: float = Field(
        1.0, gt=0, le=1e6, description="FMix draws its shares from Beta(alpha, alpha)."
    )
    fmix_decay: float = Field(
        3.0, ge=0, le=10, description="Amplitudes of the mask fall as frequency to this power."
    )


class Learner(NamedTuple):
    """A network, whose last layer is the primary head, and its auxiliary head."""

    network: nn.Module
    auxiliary: nn.Module

    def both(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits [B, C] of the primary and of the auxiliary head."""
        logits, features = self.network.with_features(images)
        return logits, self.auxiliary(features)

    def one(self, head: int, images: Tensor) -> Tensor:
        """Logits [B, C] of the primary head (0) or of the auxiliary head (1)."""
        return self.both(images)[1] if head else self.network(images)


class Seen(NamedTuple):
    """A weak and a strong view [B, ...], and the logits [B, C] of both heads for each view."""

    views: list[Tensor]
    logits: list[tuple[Tensor, Tensor]]


class Weights(NamedTuple):
    """Of strong and mixed views, and of unselected samples."""

    ramp: float
    unselected: float


def shifted(logits: Tensor, prior: Tensor, strength: float) -> Tensor:
    """Logits [B, C] plus `strength` times the logarithm of the prior [C] of predictions."""
    return logits + strength * prior.log()


def mean_over(losses: Tensor, chosen: Tensor) -> Tensor:
    """The mean of the losses [B] of the `chosen` samples, bool [B]; 0 if no sample is chosen."""
    return torch.where(chosen, losses, 0).sum() / chosen.sum().clamp(min=1)


def learner_loss(
    run: lnlbench.Run,
    params: HeadParams,
    learner: Learner,
    seen: Seen,
    labels: Tensor,
    chosen: Tensor,
    priors: Tensor,
    weights: Weights,
) -> Tensor:
    """The loss of both heads on one batch.

    `chosen`, bool [B], are learned with the `labels`, int64 [B], and the auxiliary head learns the
    others with guessed ones. `priors` [2, C] are the mean predictions for selected samples and for
    the others.
    """
    loss = torch.zeros((), device=labels.device)
    images, mixes = seen.views[0], int(chosen.sum()) > 1  # batch normalization needs two samples
    for head in range(2):
        logits = [shifted(each[head], priors[0], params.debias) for each in seen.logits]
        losses = [cross_entropy(each, labels, reduction="none") for each in logits]
        weak, strong = (mean_over(each, chosen) for each in losses)
        if mixes:
            say = partial(learner.one, head)
            pair = images[chosen], labels[chosen]
            strong = strong + mixed_losses(run, params, say, priors[0], *pair)
        loss = loss + weak + weights.ramp * strong
    if weights.unselected:
        weak, strong = guessed_losses(params, seen, priors[1], ~chosen)
        loss = loss + weights.unselected * (weak + weights.ramp * strong)
    return loss


def mixed_losses(
    run: lnlbench.Run,
    params: HeadParams,
    say: Callable[[Tensor], Tensor],
    prior: Tensor,
    images: Tensor,
    labels: Tensor,
) -> Tensor:
    """Cross-entropy of images mixed by mixup, plus that of images mixed by FMix.

    `say` turns images into logits [B, C], which the prior [C] shifts.
    """
    count, size = len(images), images.shape[-2:]
    share = mixup.draw_share(params.mixup_alpha, run.generator)
    partners = mixup.draw_partners(count, run.generator, run.device)
    targets = one_hot(labels, len(prior)).to(images.dtype)
    logits = shifted(say(mixup.mix(images, share, partners)), prior, params.debias)
    loss = mixup.soft_cross_entropy(logits, mixup.mix(targets, share, partners))
    mask = fmix.draw_mask(params.fmix_alpha, params.fmix_decay, *size, run.generator)
    partners = mixup.draw_partners(count, run.generator, run.device)
    mixed = fmix.mix_by_mask(images, mask.pixels.to(images), partners)
    logits = shifted(say(mixed), prior, params.debias)
    own, others = (cross_entropy(logits, each) for each in (labels, labels[partners]))
    return loss + mask.share * own + (1 - mask.share) * others


def guessed_losses(
    params: HeadParams, seen: Seen, prior: Tensor, unselected: Tensor
) -> list[Tensor]:
    """The auxiliary head's losses of unselected samples, bool [B], for the weak and strong view.

    The primary head guesses their labels from the weak view, without their prior [C].
    """
    primary = seen.logits[0][0].detach()
    guessed = sharpen(softmax(shifted(primary, prior, -params.debias), 1), params.temperature)
    return [
        mean_over(
            -(guessed * log_softmax(shifted(auxiliary, prior, params.debias), 1)).sum(1), unselected
        )
        for _, auxiliary in seen.logits
    ]
