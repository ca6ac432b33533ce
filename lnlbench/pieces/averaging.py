"""The exponential moving average of a network's weights.

Source: `tf.train.ExponentialMovingAverage` for the decay of early steps; Morales-Brotons et al.,
TMLR 2024 (arXiv 2411.18704) for its use.
"""

from typing import Literal

import torch
from torch import Tensor, nn

Buffers = Literal["averaged", "copied", "kept"]


@torch.no_grad()
def move_average(
    average: nn.Module, network: nn.Module, decay: float, buffers: Buffers = "kept"
) -> None:
    """Move the parameters of `average` towards those of `network`: decay * own + rest * theirs.

    Buffers, such as running statistics, are kept as they are in `average`, or copied from
    `network`, or averaged like parameters; whole numbers are then copied.
    """
    averages: list[Tensor] = list(average.parameters())
    values: list[Tensor] = list(network.parameters())
    if buffers != "kept":
        for mine, theirs in zip(average.buffers(), network.buffers(), strict=True):
            if buffers == "averaged" and mine.is_floating_point():
                averages.append(mine)
                values.append(theirs)
            else:
                mine.copy_(theirs)
    torch._foreach_lerp_(averages, values, 1 - decay)


def update_average(
    average: nn.Module, network: nn.Module, step: int, decay: float, buffers: Buffers
) -> None:
    """Move `average` after the `step`-th update of `network`, counted from 0, which it copies.

    The decay is min(decay, (1 + step) / (10 + step)), so that the average forgets its start.
    """
    if step == 0:
        average.load_state_dict(network.state_dict())
        return
    move_average(average, network, min(decay, (1 + step) / (10 + step)), buffers)
