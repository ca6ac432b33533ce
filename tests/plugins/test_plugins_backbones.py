"""Backbones of plugins are found, or refused with a reason."""

import pytest
from listed_plugins import HOOKED, the_reason
from plugin_zoo import install

from lnlbench.plugins import Origin, load_plugins


def backbone_source(*arguments: str) -> str:
    """A plugin with one backbone for each text of `Backbone` arguments."""
    listing = ", ".join(f"lnlbench.Backbone({each})" for each in arguments)
    return f"{HOOKED}def register_backbones():\n    return [{listing}]\n"


def test_hook_register_backbones(site):
    source = backbone_source("'timm:resnet18', 'ImageNet-1k', dict", "'timm:vit_x', 'LAION', dict")
    install(site, "lnlbench-a", source, version="2.5", entry_point="a")
    plugins = load_plugins(strict=True)
    assert {"timm:resnet18", "timm:vit_x"} <= set(plugins.backbones)
    assert plugins.backbones["timm:vit_x"].pretrained_on == "LAION"
    assert plugins.backbone_origins["timm:vit_x"] == Origin("lnlbench-a", "2.5", "a")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("'resnet18', 'ImageNet-1k', dict", "'resnet18' is not timm:NAME"),
        ("'timm:resnet18', ' ', dict", "does not say what it was pretrained on"),
        ("'timm:resnet18', 'ImageNet-1k', {}", "weights is not a function"),
        ("'timm:taken', 'ImageNet-1k', dict", "already provided by lnlbench-a"),
        ("'my-net'", "needs build="),
        ("'my-net', build=3", "build is not a function"),
        ("'My net', build=dict", "lower-case words"),
        ("'resnet18', build=dict", "lnlbench's own"),
        ("'my-net', 'ImageNet-1k', dict, dict", "has build and weights"),
    ],
)
def test_a_backbone_is_refused_and_the_others_stay_usable(site, arguments, reason):
    install(site, "lnlbench-a", backbone_source("'timm:taken', 'ImageNet-1k', dict"))
    install(site, "lnlbench-b", backbone_source(arguments, "'timm:good', 'ImageNet-1k', dict"))
    plugins = load_plugins()
    assert reason in the_reason(plugins, "lnlbench-b")
    assert {"timm:taken", "timm:good"} <= set(plugins.backbones)
    refused = arguments.partition(",")[0].strip("'")
    assert refused == "timm:taken" or refused not in plugins.backbones


def test_something_that_is_no_backbone_is_refused(site):
    install(site, "lnlbench-a", f"{HOOKED}def register_backbones():\n    return ['resnet18']\n")
    assert "not an lnlbench.Backbone" in the_reason(load_plugins(), "lnlbench-a")
