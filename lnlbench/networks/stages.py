"""The parts of a network in order, and new weights for the last of them."""

from itertools import groupby
from typing import cast

from torch import nn

from lnlbench.networks.pretrained import PretrainedNetwork
from lnlbench.networks.resnet import BasicBlock, CifarResNet


def stages(body: nn.Module) -> list[list[nn.Module]]:
    """The parts of a network that have weights, from its input on, without its classifier.

    A part of `CifarResNet` is the stem, or the blocks of one width. A part of any other network is
    a child that has weights, together with the normalization that follows it. Where a network only
    wraps another one, or is a pretrained body with a classifier, the parts are those inside.
    """
    if isinstance(body, CifarResNet):
        by_width = groupby(body.blocks, lambda block: cast(BasicBlock, block).conv2.out_channels)
        return [[body.stem], *(list(blocks) for _, blocks in by_width)]
    if isinstance(body, PretrainedNetwork):
        return _parts(body.body)
    children = _weighted_children(body)
    if len(children) == 1 and _weighted_children(children[0]):
        return stages(children[0])
    return _parts(body)[:-1]


def _weighted_children(module: nn.Module) -> list[nn.Module]:
    return [child for child in module.children() if any(True for _ in child.parameters())]


def _parts(module: nn.Module) -> list[list[nn.Module]]:
    """The children that have weights; normalization belongs to the part before it."""
    parts: list[list[nn.Module]] = []
    for child in _weighted_children(module):
        if parts and "Norm" in type(child).__name__:
            parts[-1].append(child)
        else:
            parts.append([child])
    return parts


def draw_weights_anew(module: nn.Module) -> None:
    """New random weights, as PyTorch draws them, for every layer inside that can draw its own."""
    for layer in module.modules():
        reset = getattr(layer, "reset_parameters", None)
        if reset is not None:
            reset()
