"""Any network that timm builds, under the name `timm:NAME`, with random weights."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from lnlbench.errors import UsageError
from lnlbench.networks.pooling import pool_channels_last
from lnlbench.networks.timm_names import check_timm

# A vision transformer sees at least this many patches along a side: 4 pixels each at 32 pixels.
_GRID = 8
_BUILD_ERRORS = (AssertionError, RuntimeError, TypeError, ValueError, ZeroDivisionError)


def build_timm(name: str, num_classes: int, channels: int, image_size: int) -> nn.Module:
    """Build timm's `name` for images of `image_size` pixels.

    A network with a fixed input size is built for `image_size`, with smaller patches if its own
    would leave fewer than 8 along a side. If the network cannot take such small images, they are
    resized to the network's own size.

    Raises:
        UsageError: timm has no such network, or it does not exist at this image size.
    """
    import timm

    check_timm(name)
    options: dict[str, Any] = {}
    config = timm.get_pretrained_cfg(name)
    if config is not None and config.fixed_input_size:
        options["img_size"] = image_size
    options |= {"pretrained": False, "num_classes": num_classes, "in_chans": channels}
    try:
        network = _with_small_patches(name, timm.create_model(name, **options), options)
        pool_channels_last(network)
        if config is None or _takes(network, channels, image_size):
            return network
        return Resized(network, int(config.input_size[-1]))
    except _BUILD_ERRORS as error:
        raise UsageError(
            f"timm cannot build {name!r} for {image_size}x{image_size} images: {error}. "
            "Choose a network without a fixed input size, for example timm:resnet10t."
        ) from error


class Resized(nn.Module):
    """A network whose images are resized before it sees them."""

    def __init__(self, network: nn.Module, image_size: int) -> None:
        super().__init__()
        self.network = network
        self.image_size = image_size

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, C] of images [B, channels, H, W] of any size."""
        size = (self.image_size, self.image_size)
        return self.network(interpolate(images, size=size, mode="bilinear", antialias=True))


def _with_small_patches(name: str, network: nn.Module, options: dict[str, Any]) -> nn.Module:
    """The network, rebuilt with smaller patches if it has too few and its patch size is free."""
    import timm

    patch: Any = getattr(getattr(network, "patch_embed", None), "patch_size", None) or 0
    side = patch if isinstance(patch, int) else max(patch)
    if "img_size" not in options or side * _GRID <= options["img_size"]:
        return network
    try:
        return timm.create_model(name, patch_size=max(1, options["img_size"] // _GRID), **options)
    except TypeError:  # the network's definition fixes its patches
        return network


def _takes(network: nn.Module, channels: int, image_size: int) -> bool:
    """Whether an image of this size passes through the network."""
    network.eval()
    try:
        with torch.no_grad():
            network(torch.zeros(1, channels, image_size, image_size))
    except _BUILD_ERRORS:
        return False
    finally:
        network.train()
    return True
