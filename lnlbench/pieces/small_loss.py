"""Small-loss selection: how much of a batch is forgotten, which samples are kept, at what pace.

Source: Han et al., NeurIPS 2018 (arXiv 1804.06872) and github.com/bhanML/Co-teaching at 7c7fbe2.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

import lnlbench
from lnlbench.errors import UsageError
from lnlbench.interface.params import SearchRange
from lnlbench.interface.run import Run
from lnlbench.pieces.mixture import divide, training_losses


class ScheduleParams(lnlbench.Params):
    """The pace of forgetting and of the late training phase; defaults are Co-teaching's."""

    ramp_up: Annotated[int, SearchRange(1, 20)] = Field(
        10, ge=0, description="Epochs over which the forget rate rises to its final value."
    )
    exponent: Annotated[float, SearchRange(0.5, 2.0)] = Field(
        1.0,
        gt=0,
        le=10,
        description="While it rises, the forget rate aims at its final value to this power.",
    )
    late_from: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="Share of the epochs after which Adam's learning rate falls linearly to zero "
        "and its beta 1 becomes late_beta1; by default there is no late phase.",
    )
    late_beta1: float = Field(0.1, ge=0, lt=1, description="Adam's beta 1 in the late phase.")


def forget_rate_at(epoch: int, final_rate: float, ramp_up: int, exponent: float) -> float:
    """The share of each batch that is forgotten in `epoch` (from 0).

    The authors' table has its zero at an epoch that is never trained, so the first epoch already
    forgets; with an exponent other than 1 the rate jumps at the end of the ramp, as theirs does.
    """
    position = epoch + 1
    if position < ramp_up:
        return final_rate**exponent * position / (ramp_up - 1)
    return final_rate


def small_loss_selection(losses: Tensor, forget_rate: float) -> Tensor:
    """Indices int64 [K] of the K = int((1 - forget_rate) * B) smallest losses [B]; at least one."""
    count = max(1, int((1 - forget_rate) * len(losses)))
    return losses.detach().argsort(stable=True)[:count]


def estimate_noise_rate(run: Run, networks: list[nn.Module]) -> float:
    """The mean over networks of the weight of the large-loss component of each loss mixture."""
    rates = []
    for network in networks:
        losses = training_losses(run, network)
        seed = int(torch.randint(2**62, (), generator=run.generator))
        division = divide(losses, seed)
        if division.event:
            run.event("noise rate estimate", division.event)
        rates.append(1 - float(division.clean_probability.mean()))
    return sum(rates) / len(rates)


def enter_late_phase(
    optimizer: torch.optim.Optimizer, epoch: int, max_epochs: int, params: ScheduleParams
) -> None:
    """From `late_from` on: learning rate linearly towards zero, and Adam's other beta 1.

    Raises:
        UsageError: the optimizer is not Adam.
    """
    if params.late_from is None:
        return
    start = round(params.late_from * max_epochs)
    for group in optimizer.param_groups:
        if "betas" not in group:
            raise UsageError(
                "late_from changes Adam's beta 1, and the optimizer of this run is not Adam. "
                "Choose --recipe native, whose optimizer is Adam, or leave late_from out."
            )
        if epoch >= start:
            group["lr"] *= (max_epochs - epoch) / (max_epochs - start)
            group["betas"] = (params.late_beta1, group["betas"][1])
