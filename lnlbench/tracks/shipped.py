"""The tracks that lnlbench ships: one TOML file each."""

import tomllib
from importlib.resources import files

from lnlbench.errors import unknown_name
from lnlbench.tracks.protocol import Protocol
from lnlbench.tracks.track import Track

_PACKAGE = "lnlbench.tracks"


def track_names() -> list[str]:
    """The names of the tracks that lnlbench ships, sorted."""
    entries = files(_PACKAGE).iterdir()
    return sorted(
        entry.name.removesuffix(".toml") for entry in entries if entry.name.endswith(".toml")
    )


def track_text(name: str) -> str:
    """The TOML file of a track that lnlbench ships.

    Raises:
        UsageError: there is no such track.
    """
    if name not in track_names():
        raise unknown_name("track", name, track_names(), "'lnlbench tracks' explains them.")
    return files(_PACKAGE).joinpath(f"{name}.toml").read_text(encoding="utf-8")


def load_track(name: str) -> Track:
    """The track of that name.

    Raises:
        UsageError: lnlbench ships no such track.
    """
    fields = tomllib.loads(track_text(name))
    title, description = fields.pop("title"), fields.pop("description")
    return Track(
        name=name,
        title=title,
        description=description,
        protocol=Protocol.model_validate(fields),
        own=False,
    )
