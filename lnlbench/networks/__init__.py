"""Backbones by name, and the wrapper that runs them at a run's precision."""

from collections.abc import Callable

from torch import nn

from lnlbench.errors import unknown_name
from lnlbench.networks.resnet import (
    preact_resnet18,
    resnet18,
    resnet34,
    resnet_small,
    resnet_stride2_128,
    resnet_stride2_256,
    resnet_stride2_512,
)
from lnlbench.networks.small import small_cnn
from lnlbench.networks.timm_backbone import PREFIX, build_timm, check_timm

FEATURES = "features"  # takes the place of a backbone where the data are features themselves

BACKBONES: dict[str, Callable[[int, int], nn.Module]] = {
    "preact-resnet18": preact_resnet18,
    "resnet18": resnet18,
    "resnet34": resnet34,
    "resnet-small": resnet_small,
    "resnet-stride2-128": resnet_stride2_128,
    "resnet-stride2-256": resnet_stride2_256,
    "resnet-stride2-512": resnet_stride2_512,
    "small-cnn": small_cnn,
}


def check_backbone(name: str) -> None:
    """Refuse a backbone name that `build_backbone` would not know.

    Raises:
        UsageError: neither lnlbench nor, for `timm:NAME`, timm has such a network.
    """
    if name.startswith(PREFIX):
        check_timm(name.removeprefix(PREFIX))
    elif name not in BACKBONES:
        raise unknown_name("backbone", name, BACKBONES, "Or any network of timm as timm:NAME.")


def build_backbone(name: str, num_classes: int, channels: int, image_size: int) -> nn.Module:
    """A network with random weights that maps [B, channels, H, W] to logits [B, num_classes].

    Raises:
        UsageError: no such network, or not at this image size.
    """
    check_backbone(name)
    if name.startswith(PREFIX):
        return build_timm(name.removeprefix(PREFIX), num_classes, channels, image_size)
    return BACKBONES[name](num_classes, channels)
