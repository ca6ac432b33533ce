"""Tracks: one TOML file each, fixing everything that is not the method."""

import tomllib
from importlib.resources import files

from lnlbench.errors import unknown_name
from lnlbench.system.callable_package import make_callable
from lnlbench.tracks.protocol import (
    DataSpec,
    EmbeddingSpec,
    OptimizerSpec,
    PretrainedSpec,
    Protocol,
    Track,
)

__all__ = [
    "DEFAULT_TRACK",
    "DataSpec",
    "EmbeddingSpec",
    "OptimizerSpec",
    "PretrainedSpec",
    "Protocol",
    "Track",
    "load_track",
    "track_names",
]

DEFAULT_TRACK = "cifar100n-resnet34"


def track_names() -> list[str]:
    """The names of the tracks that lnlbench ships, sorted."""
    entries = files(__name__).iterdir()
    return sorted(
        entry.name.removesuffix(".toml") for entry in entries if entry.name.endswith(".toml")
    )


def load_track(name: str) -> Track:
    """The track of that name.

    Raises:
        UsageError: there is no such track.
    """
    if name not in track_names():
        raise unknown_name("track", name, track_names(), "'lnlbench tracks' explains them.")
    fields = tomllib.loads(files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    title, description = fields.pop("title"), fields.pop("description")
    return Track(
        name=name, title=title, description=description, protocol=Protocol.model_validate(fields)
    )


make_callable(__name__, "lnlbench.api.listing", "list_tracks")
