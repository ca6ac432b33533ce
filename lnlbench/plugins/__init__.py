"""Plugins: their hooks, how they are found, checked and loaded, and templates of new ones."""

from lnlbench.plugins.catalogue import known_plugins
from lnlbench.plugins.loading import load_plugins
from lnlbench.plugins.registry import Catalogue, Origin, PluginError, Plugins

__all__ = ["Catalogue", "Origin", "PluginError", "Plugins", "known_plugins", "load_plugins"]
