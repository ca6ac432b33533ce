"""Tracks of one's own, each in a TOML file: the fields of a shipped track's file, and a name."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from lnlbench.errors import UsageError, first_problem, unknown_name
from lnlbench.system.documents import parse_toml, read_text
from lnlbench.tracks.protocol import EmbeddingSpec, OptimizerSpec, PretrainedSpec, Protocol
from lnlbench.tracks.shipped import track_names
from lnlbench.tracks.track import Track, TrackData, check_own_name

_OF_TRACK = ("name", "title", "description", "data")
_NEEDED = ("name", "title")
_TABLES: dict[str, type[BaseModel]] = {
    "optimizer": OptimizerSpec,
    "embedding": EmbeddingSpec,
    "pretrained": PretrainedSpec,
    "data": TrackData,
}
_NEXT = "'lnlbench tracks show digits --toml' prints a complete file."


def is_track_file(text: str) -> bool:
    """Whether a text names a file, and not a track."""
    return text.endswith(".toml") or "/" in text or "\\" in text


def read_track(path: str | Path) -> Track:
    """The track of a TOML file.

    Relative paths in its settings of data begin at the folder of the file.

    Raises:
        UsageError: the file cannot be read, or is not a track; the message says why.
    """
    path = Path(path)
    try:
        fields = parse_toml(read_text(path))
    except OSError as error:
        raise UsageError(
            f"Cannot read the track {path}: {error.strerror}. Name a TOML file, or a track that "
            "'lnlbench tracks' lists."
        ) from error
    except ValueError as error:
        raise UsageError(f"The track {path} is not a TOML file: {error}.") from error
    _check_keys(path, fields)
    try:
        own = {key: fields.pop(key) for key in _OF_TRACK if key in fields}
        track = Track.model_validate({**own, "protocol": fields})
    except ValidationError as error:
        problem = first_problem(error).removeprefix("protocol.")
        raise UsageError(f"{path} is not a track: {problem}. {_NEXT}") from error
    try:
        check_own_name(track.name, track_names())
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error
    return track.model_copy(update={"folder": path.absolute().parent})


def _check_keys(path: Path, fields: dict[str, Any]) -> None:
    allowed = list(dict.fromkeys((*_OF_TRACK, *Protocol.model_fields)))
    for key, value in fields.items():
        if key not in allowed:
            raise unknown_name(f"field of the track {path}:", key, allowed, _NEXT)
        if key in _TABLES and isinstance(value, dict):
            for name in value:
                if name not in _TABLES[key].model_fields:
                    names = list(_TABLES[key].model_fields)
                    raise unknown_name(f"field of [{key}] of the track {path}:", name, names, _NEXT)
    required = [name for name, each in Protocol.model_fields.items() if each.is_required()]
    missing = [name for name in (*_NEEDED, *required) if name not in fields]
    if missing:
        raise UsageError(f"The track {path} lacks {', '.join(missing)}. {_NEXT}")
