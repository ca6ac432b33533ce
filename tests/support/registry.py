"""The methods under test: lnlbench's own. A plugin's are tested with the plugin, by its rules."""

from lnlbench.plugins import load_plugins

PLUGINS = load_plugins(strict=True)
BUILTIN = {
    name: method
    for name, method in sorted(PLUGINS.methods.items())
    if PLUGINS.origins[name].distribution == "lnlbench"
}
# These tell no clean from wrong labels; every other method has a belief in each label.
WITHOUT_BELIEF = {
    "ce",
    "ce-clean",
    "ce-ema",
    "ce-selected",
    "forward-correction",
    "gce",
    "label-smoothing",
    "linear-probe",
    "mixmatch-oracle",
    "mixup",
}
