"""Tracks: everything that is not the method, fixed by one TOML file each."""

from lnlbench.system.callable_package import make_callable
from lnlbench.tracks.file import is_track_file, read_track
from lnlbench.tracks.protocol import (
    DataSpec,
    EmbeddingSpec,
    OptimizerSpec,
    PretrainedSpec,
    Protocol,
)
from lnlbench.tracks.shipped import load_track, track_names, track_text
from lnlbench.tracks.track import Track, TrackData, TrackDefinition, check_own_name

__all__ = [
    "DEFAULT_TRACK",
    "DataSpec",
    "EmbeddingSpec",
    "OptimizerSpec",
    "PretrainedSpec",
    "Protocol",
    "Track",
    "TrackData",
    "TrackDefinition",
    "check_own_name",
    "is_track_file",
    "load_track",
    "read_track",
    "track_names",
    "track_text",
]

DEFAULT_TRACK = "cifar100n-resnet34"

make_callable(__name__, "lnlbench.api.listing", "list_tracks")
