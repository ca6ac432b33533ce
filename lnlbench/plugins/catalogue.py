"""What the installed plugins provide, kept on disk: importing them takes seconds, because of torch.

The file is made again when a plugin was installed or removed, when any of a plugin's files or of
the modules that it imported has changed, and with another version of Python or lnlbench. A plugin
that failed may succeed the next time, so then nothing is kept.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import lnlbench
from lnlbench.data.location import cache_dir
from lnlbench.errors import LnlbenchError
from lnlbench.interface.portable import NotPortable
from lnlbench.plugins.kept import KeptDeclarations, declarations
from lnlbench.plugins.kept_catalogue import KeptPlugins
from lnlbench.plugins.loading import BUILTIN, Candidate, installed_plugins, load_plugins
from lnlbench.plugins.registry import ENVIRONMENT, Catalogue
from lnlbench.system.atomic import write_atomically
from lnlbench.system.documents import parse_json
from lnlbench.system.stamps import Stamps, files_below, loaded_files, stamps
from lnlbench.tracks import Track

FORMAT = 1


def known_plugins(strict: bool = False) -> Catalogue:
    """What the installed plugins provide, without importing them if it is kept on disk.

    Raises:
        LnlbenchError: `strict`, and a plugin failed.
        UsageError: LNLBENCH_PLUGINS names a distribution that is not an installed plugin.
    """
    found = Catalogue()
    return _known(installed_plugins(found), found, strict)


def provided_tracks() -> Mapping[str, Track]:
    """The tracks of installed plugins; a plugin is imported unless its declarations are kept.

    Without a plugin, this does not import lnlbench's own methods, because they bring no tracks.
    """
    found = Catalogue()
    candidates = installed_plugins(found)
    if all(each.origin.distribution == BUILTIN for each in candidates):
        return {}
    return _known(candidates, found, strict=False).tracks


def _known(candidates: list[Candidate], found: Catalogue, strict: bool) -> Catalogue:
    if found.errors:
        return load_plugins(strict)
    entry = _Entry(candidates)
    kept = entry.read()
    if kept is not None:
        return KeptPlugins(kept, found.skipped)
    plugins = load_plugins(strict)
    if not plugins.errors:
        # In a read-only home, for example, the next command is slow again.
        with suppress(NotPortable, LnlbenchError):
            entry.write(declarations(plugins))
    return plugins


class _Entry:
    """The file that keeps what these plugins provide."""

    def __init__(self, candidates: list[Candidate]) -> None:
        self._candidates = candidates
        # One file for each environment, so that two of them do not take turns in writing it.
        place = [sys.prefix, lnlbench.__file__, os.environ.get(ENVIRONMENT)]
        name = hashlib.sha256(json.dumps(place).encode()).hexdigest()[:16]
        self.file = cache_dir() / "plugins" / f"{name}.json"

    @cached_property
    def _installed(self) -> list[object]:
        versions = [FORMAT, sys.version, lnlbench.__version__]
        found = [
            [vars(each.origin), each.entry_point.value, list(each.requires)]
            for each in self._candidates
        ]
        return [*versions, *found]

    def read(self) -> KeptDeclarations | None:
        """What the file keeps; None if there is no such file, or if anything has changed."""
        try:
            digest, _, text = self.file.read_bytes().partition(b"\n")
            if hashlib.sha256(text).hexdigest().encode() != digest:
                return None
            document = parse_json(text.decode())
            before: Stamps = {file: tuple(each) for file, each in document["files"].items()}
            if document["installed"] != self._installed or before != stamps(self._files(before)):
                return None
            return KeptDeclarations.model_validate(document["declarations"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None  # whatever is wrong with it, it can be made again

    def write(self, found: KeptDeclarations) -> None:
        """Keep what was found, unless a file has changed since this process may have read it."""
        files = stamps(self._files(loaded_files()))
        if any(max(changed, moved) > lnlbench.IMPORTED_NS for changed, moved, _ in files.values()):
            return
        document = {"installed": self._installed, "files": files}
        text = json.dumps({**document, "declarations": found.model_dump(mode="json")}).encode()
        write_atomically(self.file, hashlib.sha256(text).hexdigest().encode() + b"\n" + text)

    def _files(self, others: Iterable[str]) -> list[str]:
        """All files of the plugins' packages, so that new ones are noticed, and `others`."""
        found = set(others)
        for each in self._candidates:
            top = each.entry_point.value.partition(":")[0].partition(".")[0]
            spec = find_spec(top)
            if spec is None or not (spec.submodule_search_locations or spec.has_location):
                raise NotPortable(f"{top} has no file")
            for folder in spec.submodule_search_locations or ():
                found.update(files_below(folder))
            if spec.origin is not None and Path(spec.origin).is_file():
                found.add(spec.origin)
        return sorted(found)  # so that equal processes write equal files
