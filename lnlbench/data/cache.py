"""A cache of arrays that were decoded from files, kept as memory-mapped files."""

import hashlib
import json
import logging
import shutil
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lnlbench.system.documents import parse_json, read_text
from lnlbench.system.temporary import remove_abandoned, temporary_folder

FORMAT = 1
_MANIFEST = "manifest.json"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Arrays:
    """Named arrays, and facts about them that fit into JSON."""

    arrays: Mapping[str, np.ndarray]
    facts: Mapping[str, Any] = field(default_factory=dict)


def cached(
    name: str,
    sources: Iterable[Path],
    root: Path,
    decode: Callable[[], Arrays],
    keep: Callable[[Arrays], bool] | None = None,
) -> Arrays:
    """What `decode` returns, from the cache below `root` when the source files are unchanged.

    A source file counts as unchanged while its path, size and modification time are the same. An
    unreadable or damaged entry is made again. If the cache cannot be written, it is not used. What
    `keep` refuses is not cached.
    """
    files = [path.resolve() for path in sources]
    names = "\n".join(map(str, files))
    # A name on disk may hold bytes that are not UTF-8.
    key = hashlib.sha256(names.encode(errors="surrogateescape")).hexdigest()[:16]
    entry = root / f"{name}-{key}"
    remove_abandoned(root, f".{entry.name}-*")
    identity = [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in files]
    found = _read(entry, identity)
    if found is not None:
        return found
    decoded = decode()
    if keep is not None and not keep(decoded):
        return decoded
    try:
        _write(entry, identity, decoded)
    except OSError as error:
        _log.warning("the decoded %s was not cached in %s: %s", name, root, error)
    # Return the mapped copy, not the decoded one: it costs no memory of its own.
    return _read(entry, identity) or decoded


def _read(entry: Path, identity: list[list[Any]]) -> Arrays | None:
    try:
        manifest = parse_json(read_text(entry / _MANIFEST))
        if manifest["format"] != FORMAT or manifest["identity"] != identity:
            return None
        arrays = {name: _mapped(entry / f"{name}.npy") for name in manifest["crc32"]}
        if any(_crc32(arrays[name]) != crc for name, crc in manifest["crc32"].items()):
            _log.warning("the cache entry %s is damaged and is made again", entry)
            return None
        return Arrays(arrays, manifest["facts"])
    except FileNotFoundError:
        return None
    except Exception as error:  # whatever is wrong with it, it can be made again
        _log.warning("the cache entry %s is unreadable (%s) and is made again", entry, error)
        return None


def _mapped(path: Path) -> np.ndarray:
    # Copy on write: PyTorch wants a writable array, and the file must not change.
    return np.load(path, mmap_mode="c", allow_pickle=False)


def _crc32(array: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(array).data)


def _write(entry: Path, identity: list[list[Any]], decoded: Arrays) -> None:
    entry.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(f".{entry.name}-", entry.parent) as fresh:
        _fill(fresh, identity, decoded)
        _put_in_place(fresh, entry)


def _fill(fresh: Path, identity: list[list[Any]], decoded: Arrays) -> None:
    crc32 = {}
    for name, array in decoded.arrays.items():
        np.save(fresh / f"{name}.npy", np.ascontiguousarray(array), allow_pickle=False)
        crc32[name] = _crc32(array)
    manifest = {
        "format": FORMAT,
        "identity": identity,
        "crc32": crc32,
        "facts": dict(decoded.facts),
    }
    (fresh / _MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")


def _put_in_place(fresh: Path, entry: Path) -> None:
    # A folder cannot be replaced in one step, so move the outdated one aside first. When two
    # processes do this at once, either entry is good, and the second rename fails with an OSError.
    outdated = fresh.with_name(f"{fresh.name}.old")
    try:
        if entry.exists():
            entry.replace(outdated)
        fresh.replace(entry)
    finally:
        shutil.rmtree(outdated, ignore_errors=True)
