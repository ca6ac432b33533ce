"""Build a backbone by its name."""

from collections.abc import Callable
from importlib import import_module

from torch import nn

from lnlbench.networks import BACKBONES, check_backbone
from lnlbench.networks.timm_backbone import build_timm
from lnlbench.networks.timm_names import PREFIX


def build_backbone(name: str, num_classes: int, channels: int, image_size: int) -> nn.Module:
    """A network with random weights that maps [B, channels, H, W] to logits [B, num_classes].

    Raises:
        UsageError: no such network, or not at this image size.
    """
    check_backbone(name)
    if name.startswith(PREFIX):
        return build_timm(name.removeprefix(PREFIX), num_classes, channels, image_size)
    return builder(name)(num_classes, channels)


def builder(name: str) -> Callable[[int, int], nn.Module]:
    """The function that builds one of lnlbench's own networks for (num_classes, channels)."""
    module = import_module(f"lnlbench.networks.{BACKBONES[name]}")
    found: Callable[[int, int], nn.Module] = getattr(module, name.replace("-", "_"))
    return found
