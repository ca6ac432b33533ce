"""Backbones by name, and the wrapper that runs them at a run's precision."""

from collections.abc import Mapping

from lnlbench.errors import unknown_name
from lnlbench.networks.backbone import Backbone
from lnlbench.networks.timm_names import PREFIX, check_timm

FEATURES = "features"  # takes the place of a backbone where the data are features themselves

# The module of each network; its function there has the network's name. Names are often all that is
# asked for, and the modules import torch.
BACKBONES = {
    "preact-resnet18": "resnet",
    "resnet18": "resnet",
    "resnet34": "resnet",
    "resnet-small": "resnet",
    "resnet-stride2-128": "resnet",
    "resnet-stride2-256": "resnet",
    "resnet-stride2-512": "resnet",
    "small-cnn": "small",
}


NO_PLUGINS: Mapping[str, Backbone] = {}


def check_backbone(name: str, provided: Mapping[str, Backbone] = NO_PLUGINS) -> None:
    """Refuse a backbone name that `build_backbone` would not know; `provided` are of plugins.

    Raises:
        UsageError: neither lnlbench, nor a plugin, nor timm for `timm:NAME`, has such a network.
    """
    if name.startswith(PREFIX):
        check_timm(name.removeprefix(PREFIX))
    elif name not in BACKBONES and name not in provided:
        own = [each for each, backbone in provided.items() if backbone.build is not None]
        hint = "Or any network of timm as timm:NAME; 'lnlbench backbones' lists those of plugins."
        raise unknown_name("backbone", name, [*BACKBONES, *own], hint)
