"""Checks that decide whether a network of a plugin is refused."""

import re
from typing import Any

from lnlbench.plugins.checks import METHOD_NAME
from lnlbench.plugins.refusal import PluginRefused

BACKBONE_NAME = re.compile(r"timm:[a-z0-9_.]+")


def check_backbone(backbone: Any) -> None:
    """Check everything about a backbone that does not need its weights.

    Raises:
        PluginRefused: something is wrong; the message names the backbone and the fault.
    """
    from lnlbench.networks.backbone import Backbone

    if not isinstance(backbone, Backbone):
        raise PluginRefused(f"register_backbones() returned {backbone!r}, not an lnlbench.Backbone")
    name = backbone.name
    if backbone.build is not None:
        _check_builder(backbone)
        return
    if not isinstance(name, str) or not BACKBONE_NAME.fullmatch(name):
        raise PluginRefused(
            f"backbone name {name!r} is not timm:NAME; a network of your own needs build="
        )
    if not isinstance(backbone.pretrained_on, str) or not backbone.pretrained_on.strip():
        raise PluginRefused(f"backbone {name!r} does not say what it was pretrained on")
    if not callable(backbone.weights):
        raise PluginRefused(f"backbone {name!r}: weights is not a function")


def _check_builder(backbone: Any) -> None:
    from lnlbench.networks import BACKBONES, FEATURES

    name = backbone.name
    if not isinstance(name, str) or not METHOD_NAME.fullmatch(name):
        raise PluginRefused(
            f"backbone name {name!r} is not lower-case words of a-z and 0-9 joined by hyphens"
        )
    if name in BACKBONES or name == FEATURES:
        raise PluginRefused(f"backbone {name!r} is lnlbench's own; choose another name")
    if not callable(backbone.build):
        raise PluginRefused(f"backbone {name!r}: build is not a function")
    if backbone.weights is not None:
        raise PluginRefused(
            f"backbone {name!r} has build and weights: pretrained weights are for networks of "
            "timm, timm:NAME"
        )
