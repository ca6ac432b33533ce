"""The hooks a plugin can implement, one line each; plugins/README.md explains them."""

from typing import TYPE_CHECKING

from pluggy import HookspecMarker

if TYPE_CHECKING:
    from lnlbench.method import Method

hookspec = HookspecMarker("lnlbench")


@hookspec
def register_methods() -> "list[type[Method]]":  # type: ignore[empty-body]
    """Return the methods this plugin provides."""
