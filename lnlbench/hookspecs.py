"""The hooks a plugin can implement, one line each; plugins/README.md explains them."""

from typing import TYPE_CHECKING

from pluggy import HookspecMarker

if TYPE_CHECKING:
    from lnlbench.backbone import Backbone
    from lnlbench.data.source import DataSource
    from lnlbench.method import Method

hookspec = HookspecMarker("lnlbench")


@hookspec
def register_methods() -> "list[type[Method]]":  # type: ignore[empty-body]
    """Return the methods this plugin provides."""


@hookspec
def register_backbones() -> "list[Backbone]":  # type: ignore[empty-body]
    """Return the networks with pretrained weights that this plugin provides."""


@hookspec
def register_datasets() -> "list[DataSource]":  # type: ignore[empty-body]
    """Return the data sets this plugin provides."""
