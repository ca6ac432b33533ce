"""Artifacts: tensors that one run writes and another loads; its spec names them by the file's hash.

A file is in safetensors format, so no code in it is ever executed. Its header says where it comes
from.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lnlbench.data.location import cache_dir
from lnlbench.errors import DataError, UsageError
from lnlbench.interface.params import Params
from lnlbench.system.atomic import write_atomically
from lnlbench.system.documents import parse_json

if TYPE_CHECKING:
    from torch import Tensor

_SHA256 = re.compile(r"[0-9a-f]{64}")
_LONGEST_REASON = 300
_HEADER = "lnlbench"


@dataclass(frozen=True)
class ArtifactFile:
    """Marks a parameter that names an artifact of this kind by the SHA-256 of its file.

    On the command line a user may give the file instead: it is copied into the cache under its
    hash, so the spec is the same on every machine.
    """

    kind: str


@dataclass(frozen=True)
class Artifact:
    """Named tensors, and what the file says about their origin."""

    tensors: "dict[str, Tensor]"
    about: dict[str, Any]


def write_artifact(path: Path, tensors: "Mapping[str, Tensor]", about: Mapping[str, Any]) -> None:
    """Write tensors in one step; `about` holds JSON values and has a "kind"."""
    from safetensors.torch import save

    content = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomically(path, save(content, {_HEADER: json.dumps(about, sort_keys=True)}))


def read_artifact(path: Path) -> Artifact:
    """Read an artifact file.

    Raises:
        UsageError: the file cannot be read.
        DataError: the file is damaged, or not an artifact of lnlbench.
    """
    from safetensors import safe_open

    try:
        with safe_open(path, "pt") as file:
            header = (file.metadata() or {}).get(_HEADER)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"Cannot read the artifact {path}: {reason}.") from error
    except Exception as error:  # a damaged header makes safetensors and torch raise many kinds
        reason = str(error)[:_LONGEST_REASON]
        raise DataError(f"{path} is not a whole safetensors file: {reason}.") from error
    about = _parse(header)
    if about is None:
        raise DataError(
            f"{path} does not say what it holds: it is not an artifact of lnlbench. Give a file "
            "that a run has left in its directory."
        )
    return Artifact(tensors, about)


def load_artifact(sha256: str) -> Artifact:
    """The cached artifact with this hash.

    Raises:
        UsageError: it is not in the cache.
        DataError: the cached file is damaged.
    """
    path = _place(sha256)
    if not path.is_file():
        raise UsageError(
            f"The artifact with SHA-256 {sha256} is not in the cache ({path.parent}). Give its "
            "file once in place of the hash: lnlbench run … --set NAME=FILE."
        )
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise DataError(f"The cached artifact {path} is damaged. Delete it, and give its file.")
    return read_artifact(path)


def import_artifacts(params: type[Params], values: dict[str, Any]) -> dict[str, Any]:
    """The values with the hash in place of each artifact file, which is copied into the cache.

    Raises:
        UsageError: a file cannot be read, or is of another kind than the parameter takes.
        DataError: a file is damaged, or not an artifact.
    """
    changed = dict(values)
    for name, marker in _artifact_fields(params):
        value = values.get(name)
        if isinstance(value, str) and not _SHA256.fullmatch(value):
            changed[name] = _import(Path(value).expanduser(), name, marker)
    return changed


def check_artifacts(params: Params) -> None:
    """Make sure that every artifact that the parameters name can be loaded.

    Raises:
        UsageError: an artifact is not in the cache, or of another kind.
        DataError: an artifact is damaged.
    """
    for name, marker in _artifact_fields(type(params)):
        sha256 = getattr(params, name)
        if sha256 is not None:
            _check_kind(load_artifact(sha256), sha256, name, marker)


def _import(path: Path, name: str, marker: ArtifactFile) -> str:
    _check_kind(read_artifact(path), str(path), name, marker)
    content = path.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    write_atomically(_place(sha256), content)
    return sha256


def _check_kind(artifact: Artifact, source: str, name: str, marker: ArtifactFile) -> None:
    if artifact.about["kind"] != marker.kind:
        raise UsageError(
            f"Parameter {name!r} takes an artifact of kind {marker.kind!r}, and {source} is of "
            f"kind {artifact.about['kind']!r}."
        )


def _artifact_fields(params: type[Params]) -> list[tuple[str, ArtifactFile]]:
    return [
        (name, marker)
        for name, field in params.model_fields.items()
        for marker in field.metadata
        if isinstance(marker, ArtifactFile)
    ]


def _place(sha256: str) -> Path:
    return cache_dir() / "artifacts" / f"{sha256}.safetensors"


def _parse(header: str | None) -> dict[str, Any] | None:
    try:
        about = parse_json(header or "")
    except ValueError:
        return None
    return about if isinstance(about, dict) and isinstance(about.get("kind"), str) else None
