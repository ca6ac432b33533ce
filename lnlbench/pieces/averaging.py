"""The exponential moving average of a network's weights."""

import torch
from torch import Tensor, nn


@torch.no_grad()
def update_average(
    average: nn.Module, network: nn.Module, step: int, decay: float, buffers: bool
) -> None:
    """Move `average` towards `network` after its `step`-th update, counted from 0.

    The decay is min(decay, (1 + step) / (10 + step)), TensorFlow's way to forget the start.
    Floating-point buffers, such as running statistics, are averaged too, or else copied.
    """
    if step == 0:
        average.load_state_dict(network.state_dict())
        return
    share = 1 - min(decay, (1 + step) / (10 + step))
    averages: list[Tensor] = list(average.parameters())
    values: list[Tensor] = list(network.parameters())
    for mine, theirs in zip(average.buffers(), network.buffers(), strict=True):
        if buffers and mine.is_floating_point():
            averages.append(mine)
            values.append(theirs)
        else:
            mine.copy_(theirs)
    torch._foreach_lerp_(averages, values, share)
