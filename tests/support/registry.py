"""The methods under test: lnlbench's own. A plugin's are tested with the plugin, by its rules."""

from lnlbench.plugins import load_plugins

PLUGINS = load_plugins(strict=True)
BUILTIN = {
    name: method
    for name, method in sorted(PLUGINS.methods.items())
    if PLUGINS.origins[name].distribution == "lnlbench"
}
