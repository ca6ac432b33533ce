"""MentorNet's curricula in closed form: a weight per sample from its loss and a loss percentile.

Source: Jiang et al., ICML 2018 (arXiv 1712.05055) and github.com/google/mentornet at 76d6be2,
code/utils.py and code/training_mentornet/models.py.
"""

from typing import Annotated, Literal

import torch
from pydantic import AfterValidator, Field
from torch import Tensor

import lnlbench
from lnlbench.document import LeftOut
from lnlbench.interface.param_checks import Stages, covers_the_training
from lnlbench.interface.params import Recipe, SearchRange

AUTHORS_RECIPE = Recipe(
    params={"weighted_decay": True},
    schedule={
        "epochs": 100,
        "batch_size": 128,
        "optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 2e-4},
        "milestones": [0.5, 0.64, 0.768],
    },
    note="The authors' 39,000 steps on CIFAR-100; the network stays the track's.",
)
Curriculum = Literal["predefined", "self-paced", "spcl-linear", "focal", "hard-mining", "baseline"]
# The rules that prefer small losses: a high weight is a belief that the label is right.
TRUSTING = ("predefined", "self-paced", "spcl-linear")
# Percent of the training at which the predefined curriculum changes its rule.
LAST_FULL_PERCENT = 18
LINEAR_FROM_PERCENT = 90


class WeighingParams(lnlbench.Params):
    """How a mentor's weights are used; percentiles are shares, time is in percent of training."""

    loss_percentile: Annotated[float, SearchRange(0.3, 0.95)] = Field(
        0.75,
        ge=0,
        le=1,
        description="Share of a batch whose largest loss is the threshold. The authors mean 0.75 "
        "at 20 and 40 % noise and 0.5 at 80 %; by a misspelt flag their scripts run 0.7.",
    )
    percentile_decay: float = Field(
        0.5,
        ge=0,
        lt=1,
        description="Share of the threshold's running mean that remains after a batch.",
    )
    burn_in: int = Field(
        0, ge=0, le=100, description="Percent of the training with weight one for every sample."
    )
    example_dropout: Annotated[Stages, AfterValidator(covers_the_training)] = Field(
        ((0.5, 17), (0.05, 83)),
        description="Pairs of a rate and the percent of the training for which it holds, in order, "
        "together 100 %. The rate is the share of each batch whose weights become zero.",
    )
    weighted_decay: Annotated[bool, LeftOut()] = Field(
        False,
        description="Apply the weight decay to kernels of convolutions and dense layers alone, "
        "multiplied by the mean weight of the batch after dropout, as the authors do.",
    )


class CurriculumParams(WeighingParams):
    """What decides the weights when a rule stands in the mentor's place."""

    curriculum: Curriculum = Field(
        "predefined",
        description="The rule for weights. predefined (MentorNet PD) takes all samples first, "
        "then small losses, then a linear rule; the others keep one rule throughout.",
    )
    spcl_gamma: float = Field(
        1.0, gt=0, description="Loss above the threshold at which the linear rule reaches zero."
    )
    focal_gamma: float = Field(2.0, gt=0, description="Exponent of the focal rule.")


def percent_done(epoch: int, seen: int, num_samples: int, max_epochs: int) -> int:
    """Whole percent of the training, 0 to 99, after `epoch` epochs and `seen` further samples."""
    return 100 * (epoch * num_samples + seen) // (max_epochs * num_samples)


def percentile(losses: Tensor, share: float) -> Tensor:
    """The loss, a scalar, of nearest rank `share` in a batch [B], counted from above."""
    # TensorFlow's convention: ties between two ranks go to the even one, from the largest.
    rank = round((len(losses) - 1) * (1 - share))
    return losses.sort(descending=True).values[rank]


def updated_threshold(threshold: Tensor, losses: Tensor, params: WeighingParams) -> Tensor:
    """The running mean of the batches' percentiles, without correction for its start at zero."""
    decay = params.percentile_decay
    return decay * threshold + (1 - decay) * percentile(losses, params.loss_percentile)


def burning_in(percent: int, params: WeighingParams) -> bool:
    """Whether every sample still has weight one: for a percent less than the authors' flag says."""
    return percent < params.burn_in - 1


def mentor_weights(
    losses: Tensor, threshold: Tensor, percent: int, params: CurriculumParams
) -> Tensor:
    """Weights [B] in [0, 1] for losses [B] at some percent of the training, before any dropout."""
    if burning_in(percent, params):
        return torch.ones_like(losses)
    rule: str = params.curriculum
    if rule == "predefined":
        if percent <= LAST_FULL_PERCENT:
            rule = "baseline"
        else:
            rule = "self-paced" if percent < LINEAR_FROM_PERCENT else "spcl-linear"
    difference = losses - threshold
    if rule == "self-paced":
        return (difference <= 0).to(losses.dtype)
    if rule == "spcl-linear":
        return (1 - difference / params.spcl_gamma).clamp(0, 1)
    if rule == "hard-mining":
        return (difference >= 0).to(losses.dtype)
    if rule == "focal":
        return (1 - (-losses).exp()).pow(params.focal_gamma)
    return torch.ones_like(losses)


def dropout_rate(percent: int, params: WeighingParams) -> float:
    """The example dropout rate at some percent of the training."""
    end = 0
    for rate, share in params.example_dropout:
        end += share
        if percent < end:
            return rate
    raise ValueError(f"{percent} is not a percent of the training, 0 to 99")


def drop_examples(weights: Tensor, rate: float, generator: torch.Generator) -> Tensor:
    """Weights [B] of int(B * (1 - rate)) random samples; zero for the others, nothing rescaled."""
    count = len(weights)
    chosen = torch.randperm(count, generator=generator)[: int(count * (1 - rate))]
    kept = torch.zeros(count, dtype=weights.dtype)
    kept[chosen] = 1
    return weights * kept.to(weights.device)
