"""Find a track: lnlbench ships it, a file describes it, or a plugin provides it."""

from lnlbench.data.names import DATASETS
from lnlbench.errors import unknown_name
from lnlbench.noise import parse_noise
from lnlbench.plugins.catalogue import provided_tracks
from lnlbench.plugins.registry import Catalogue
from lnlbench.tracks import Track, is_track_file, load_track, read_track, track_names


def find_track(name: str, plugins: Catalogue | None = None) -> Track:
    """The track that an option names: a name, or the path of a TOML file.

    Without `plugins`, this loads them only if no other track has that name.

    Raises:
        UsageError: there is no such track, or the file is not a track.
    """
    if is_track_file(name):
        return _canonical(read_track(name))
    if name in track_names():
        return load_track(name)
    provided = provided_tracks() if plugins is None else plugins.tracks
    if name in provided:
        return _canonical(provided[name])
    raise unknown_name(
        "track",
        name,
        [*track_names(), *provided],
        "'lnlbench tracks' explains them. A track of your own is a file: --track FILE.toml.",
    )


def all_tracks() -> dict[str, Track]:
    """All tracks by name, sorted: those that lnlbench ships, and those of plugins."""
    shipped = {name: load_track(name) for name in track_names()}
    return dict(sorted({**shipped, **provided_tracks()}.items()))


def _canonical(track: Track) -> Track:
    """The same track whatever the spelling of its data set and noise.

    Raises:
        UsageError: there is no such noise.
    """
    dataset = track.protocol.dataset
    for canonical, info in DATASETS.items():
        if dataset in info.aliases:
            dataset = canonical
    return track.with_protocol(
        {"dataset": dataset, "noise": str(parse_noise(track.protocol.noise))}
    )
