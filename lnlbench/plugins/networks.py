"""Networks of plugins, for code that is given only a network's name."""

from collections.abc import Mapping

from lnlbench.networks import BACKBONES, NO_PLUGINS
from lnlbench.networks.backbone import Backbone
from lnlbench.networks.timm_names import PREFIX
from lnlbench.plugins.loading import load_plugins


def provided_for(name: str) -> Mapping[str, Backbone]:
    """The networks of plugins; without loading them, nothing for a name of lnlbench or timm."""
    known = name in BACKBONES or name.startswith(PREFIX)
    return NO_PLUGINS if known else load_plugins().backbones
