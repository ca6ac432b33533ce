"""Plugins: their hooks, how they are found, checked and loaded, and templates of new ones."""

from lnlbench.plugins.loading import load_plugins
from lnlbench.plugins.registry import Origin, PluginError, Plugins

__all__ = ["Origin", "PluginError", "Plugins", "load_plugins"]
