"""An own track's data set of a plugin: its settings, and the content that the track expects."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lnlbench.errors import DataError, UsageError, shown
from lnlbench.interface.data_source import DataSource
from lnlbench.spec.provided import location_names
from lnlbench.tracks import Track


def track_settings(track: Track, source: DataSource, given: Mapping[str, Any]) -> dict[str, Any]:
    """A track's settings of its data, where relative paths begin at the folder of its file.

    `given` are those of the command line. They may say only where the data lie, and how to read
    them.

    Raises:
        UsageError: a given setting would change the data.
    """
    settings = dict(track.data.settings) if track.data is not None else {}
    places = location_names(source)
    for name, value in given.items():
        if name not in (*places, *source.reading) and value != settings.get(name):
            fixed = f"as {shown(settings[name])}" if name in settings else "at its default"
            raise UsageError(
                f"--set-data {name} was given {shown(value)}, and the track {track.name!r} fixes "
                f"it {fixed}: other data are another track. Change [data] in a copy of the track "
                "that has another name."
            )
    if track.folder is not None:
        for name in places:
            place = settings.get(name)
            if isinstance(place, str):
                settings[name] = str(track.folder / Path(place).expanduser())
    return settings


def check_content(track: Track, sha256: str) -> None:
    """Refuse data that are not those that a track expects.

    Raises:
        DataError: the track has another hash.
    """
    expected = track.data.sha256 if track.data is not None else None
    if expected not in (None, sha256):
        raise DataError(
            f"The data are not those of track {track.name!r}: their sha256 is {sha256}, and the "
            f"track says {expected}. Give the place of the right data with --set-data; or, for a "
            "table of these data, change the name and the sha256 in a copy of the track."
        )
