"""The parts of a network in order, and new weights for the last of them."""

from itertools import groupby
from typing import cast

from torch import nn

from lnlbench.networks.resnet import BasicBlock, CifarResNet


def stages(body: nn.Module) -> list[list[nn.Module]]:
    """The parts of a network that have weights, from its input on, without its classifier.

    A part of `CifarResNet` is the stem, or the blocks of one width. A part of any other network is
    a child that has weights, together with the normalization that follows it. Where a network only
    wraps another one, the parts are those of the inner network.
    """
    if isinstance(body, CifarResNet):
        by_width = groupby(body.blocks, lambda block: cast(BasicBlock, block).conv2.out_channels)
        return [[body.stem], *(list(blocks) for _, blocks in by_width)]
    children = [child for child in body.children() if any(True for _ in child.parameters())]
    if len(children) == 1 and any(True for _ in children[0].children()):
        return stages(children[0])
    parts: list[list[nn.Module]] = []
    for child in children:
        if parts and "Norm" in type(child).__name__:
            parts[-1].append(child)
        else:
            parts.append([child])
    return parts[:-1]


def draw_weights_anew(module: nn.Module) -> None:
    """New random weights, as PyTorch draws them, for every layer inside that can draw its own."""
    for layer in module.modules():
        reset = getattr(layer, "reset_parameters", None)
        if reset is not None:
            reset()
