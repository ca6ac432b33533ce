"""Checks that decide whether a data set or a track of a plugin is refused."""

from typing import Any

from lnlbench.errors import UsageError
from lnlbench.plugins.checks import METHOD_NAME
from lnlbench.plugins.refusal import PluginRefused


def check_source(source: Any) -> None:
    """Check everything about a data set that does not need its data.

    Raises:
        PluginRefused: something is wrong; the message names the data set and the fault.
    """
    from lnlbench.data.names import DATASETS
    from lnlbench.interface.data_source import DataSource
    from lnlbench.interface.params import Params

    if not isinstance(source, DataSource):
        raise PluginRefused(f"register_datasets() returned {source!r}, not an lnlbench.DataSource")
    name = source.name
    if not isinstance(name, str) or not METHOD_NAME.fullmatch(name):
        raise PluginRefused(
            f"data set name {name!r} is not lower-case words of a-z and 0-9 joined by hyphens"
        )
    if any(name == own or name in info.aliases for own, info in DATASETS.items()):
        raise PluginRefused(f"data set {name!r} is lnlbench's own; choose another name")
    if not isinstance(source.title, str) or not source.title.strip():
        raise PluginRefused(f"data set {name!r} has no title")
    if not isinstance(source.params, type) or not issubclass(source.params, Params):
        raise PluginRefused(f"data set {name!r}: params is not a subclass of lnlbench.Params")
    if not callable(source.load):
        raise PluginRefused(f"data set {name!r}: load is not a function")
    unknown = [each for each in source.reading if each not in source.params.model_fields]
    if unknown:
        raise PluginRefused(
            f"data set {name!r}: reading names {unknown[0]!r}, which is not a field of params"
        )


def check_track(track: Any) -> None:
    """Check everything about a track that does not need its data.

    Raises:
        PluginRefused: something is wrong; the message names the track and the fault.
    """
    from lnlbench.noise import parse_noise
    from lnlbench.tracks import Track, check_own_name, track_names

    if not isinstance(track, Track):
        raise PluginRefused(f"register_tracks() returned {track!r}, not an lnlbench.Track")
    try:
        check_own_name(track.name, track_names())
        parse_noise(track.protocol.noise)
    except UsageError as error:
        raise PluginRefused(f"track {track.name!r}: {error}") from error
