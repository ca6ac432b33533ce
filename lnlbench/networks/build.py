"""Build a backbone by its name."""

from collections.abc import Callable, Mapping
from importlib import import_module

from torch import nn

from lnlbench.errors import UsageError
from lnlbench.networks import BACKBONES, NO_PLUGINS, check_backbone
from lnlbench.networks.backbone import Backbone
from lnlbench.networks.timm_backbone import build_timm
from lnlbench.networks.timm_names import PREFIX


def build_backbone(
    name: str,
    num_classes: int,
    channels: int,
    image_size: int,
    provided: Mapping[str, Backbone] = NO_PLUGINS,
) -> nn.Module:
    """A network with random weights that maps [B, channels, H, W] to logits [B, num_classes].

    Raises:
        UsageError: no such network, or not at this image size.
    """
    check_backbone(name, provided)
    if name.startswith(PREFIX):
        return build_timm(name.removeprefix(PREFIX), num_classes, channels, image_size)
    if name in provided:
        return _built(provided[name], num_classes, (channels, image_size, image_size))
    return builder(name)(num_classes, channels)


def _built(backbone: Backbone, num_classes: int, shape: tuple[int, int, int]) -> nn.Module:
    assert backbone.build is not None
    try:
        network = backbone.build(num_classes, shape)
    except Exception as error:  # whatever the plugin's own code raises
        raise UsageError(
            f"The plugin's network {backbone.name!r} cannot be built for {num_classes} classes and "
            f"images of {' x '.join(map(str, shape))}: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(network, nn.Module):
        raise UsageError(
            f"The plugin's network {backbone.name!r} is a {type(network).__name__}, and build has "
            "to return a torch.nn.Module."
        )
    return network


def builder(name: str) -> Callable[[int, int], nn.Module]:
    """The function that builds one of lnlbench's own networks for (num_classes, channels)."""
    module = import_module(f"lnlbench.networks.{BACKBONES[name]}")
    found: Callable[[int, int], nn.Module] = getattr(module, name.replace("-", "_"))
    return found
