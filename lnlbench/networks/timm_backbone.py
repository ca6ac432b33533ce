"""Any network that timm builds, by the name `timm:NAME`, from random weights."""

from typing import Any

from torch import nn

from lnlbench.errors import UsageError, unknown_name

PREFIX = "timm:"


def check_timm(name: str) -> None:
    """Refuse a name that timm does not know.

    Raises:
        UsageError: timm has no such network.
    """
    import timm

    if not timm.is_model(name):
        family = name[:6]
        near = timm.list_models(f"*{family}*")[:40] or timm.list_models("resnet*")
        raise unknown_name("timm network", name, near, "timm.list_models() has them all.")


def build_timm(name: str, num_classes: int, channels: int, image_size: int) -> nn.Module:
    """Build timm's `name` for images of `image_size` pixels.

    Raises:
        UsageError: timm has no such network, or it does not exist at this image size.
    """
    import timm

    check_timm(name)
    options: dict[str, Any] = {}
    config = timm.get_pretrained_cfg(name)
    if config is not None and config.fixed_input_size:
        options["img_size"] = image_size
    try:
        return timm.create_model(
            name, pretrained=False, num_classes=num_classes, in_chans=channels, **options
        )
    except (AssertionError, RuntimeError, TypeError, ValueError, ZeroDivisionError) as error:
        raise UsageError(
            f"timm cannot build {name!r} for {image_size}x{image_size} images: {error}. "
            "Choose a network without a fixed input size, for example timm:resnet10t."
        ) from error
