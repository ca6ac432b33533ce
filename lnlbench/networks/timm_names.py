"""The names of timm's networks, kept on disk, because importing timm and torch takes seconds."""

from fnmatch import filter as matching
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from lnlbench.data.facts import remembered
from lnlbench.errors import unknown_name

PREFIX = "timm:"
_LISTED_DEPTH = 1  # a message lists blocks.6, and not blocks.6.0, which is allowed as well


def check_timm(name: str) -> None:
    """Refuse a name that timm does not know.

    Raises:
        UsageError: timm has no such network.
    """
    listed, deprecated = _names()
    # timm's names may say which of a network's weights are meant, as in resnet18.a1_in1k.
    network = name.partition(".")[0]
    if network not in listed and network not in deprecated:
        near = matching(listed, f"*{name[:6]}*")[:40] or matching(listed, "resnet*")
        raise unknown_name("timm network", name, near, "timm.list_models() has them all.")


def timm_version() -> str:
    """The version of the installed timm."""
    try:
        return version("timm")
    except PackageNotFoundError:  # timm on the path without its metadata
        import timm

        return str(timm.__version__)


@cache
def _names() -> tuple[list[str], frozenset[str]]:
    """The networks that timm lists, and those that it builds under names of earlier versions."""
    listed, deprecated = remembered("timm-networks", timm_version(), _ask)
    return listed, frozenset(deprecated)


def _ask() -> tuple[list[str], list[str]]:
    import timm

    listed = timm.list_models()
    known = {name for name in vars(timm.models) if timm.is_model(name)}
    return listed, sorted(known - set(listed))


def require_layer(backbone: str, layer: str, layers: list[str]) -> None:
    """Refuse a layer that is not among those in front of which a network can be cut."""
    if layer not in layers:
        raise unknown_name(
            f"layer of {backbone} to freeze until",
            layer,
            [path for path in layers if path.count(".") <= _LISTED_DEPTH],
            "The layer is the first that is trained. Give one with --frozen-until LAYER.",
        )
