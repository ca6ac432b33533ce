"""The mirror of a run's directory in a store: complete states of one attempt at the run."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict, ValidationError

from lnlbench.errors import RunError
from lnlbench.runner.lock import take_directory
from lnlbench.runner.seal import unseal
from lnlbench.sweep.process import LOG_NAME
from lnlbench.sweep.store.object_store import ObjectStore
from lnlbench.system.atomic import write_atomically

_CHECKPOINT = "checkpoint"
STATE_NAME = "state.json"
# The driver of the sweep writes these two, before the attempt begins.
SPEC_NAME = "spec.json"
DATA_NAME = "data.json"
_GIVEN = (SPEC_NAME, DATA_NAME)


@dataclass(frozen=True)
class Attempt:
    """One attempt at a run; `run` is its folder in the store and below the output folder on disk.

    `source` is the number of the earlier attempt whose state it resumes; None for a fresh start.
    """

    run: str
    number: int
    source: int | None

    def name(self, file: str, number: int | None = None) -> str:
        """The object's name for a file of this attempt, or of another attempt at the same run."""
        return f"{self.run}/attempt-{number or self.number:04}/{file}"


class State(BaseModel):
    """A complete state of a run's directory: the SHA-256 of each file. It is written last."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: dict[str, str]


class Mirror:
    """Uploads the state of a run's directory to a store, and downloads the state of its source.

    Every object except the state is written once, under a name that holds its hash. The mirror
    switches the state when all its files are there, and only then removes the files of the old one.
    """

    def __init__(self, store: ObjectStore, attempt: Attempt, folder: Path) -> None:
        self._store = store
        self._attempt = attempt
        self._folder = folder
        self._state = State(files={})
        # This attempt's possible objects, and the uploaded version of each file.
        self._written: set[str] = set()
        self._seen: dict[str, tuple[tuple[int, int] | None, str]] = {}
        self._checkpoint = self._signature(_CHECKPOINT)

    def fetch(self) -> None:
        """Write the driver's files and the state of the source into the run's directory.

        Raises:
            HeldError: another process executes the run.
            RunError: the store lacks a file that the state names, or holds another version of it.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = take_directory(self._folder)
        try:
            for name in _GIVEN:
                data = self._store.read(self._attempt.name(name))
                if data is not None:
                    write_atomically(self._folder / name, data)
            for name, data in self.source_files().items():
                write_atomically(self._folder / name, data)
        finally:
            lock.release()
        self._checkpoint = self._signature(_CHECKPOINT)

    def source_files(self) -> dict[str, bytes]:
        """The files of the source's state without its log, the checkpoint last."""
        if self._attempt.source is None:
            return {}
        # A process that seemed dead may switch the state while this one reads it.
        for _ in range(3):
            state = self._source_state()
            names = sorted(state.files.keys() - {LOG_NAME}, key=lambda name: name == _CHECKPOINT)
            found = {name: self._source_file(name, state.files[name]) for name in names}
            whole = {name: data for name, data in found.items() if data is not None}
            if len(whole) == len(names):
                return whole
            if self._source_state() == state:
                break
        lost = min(found.keys() - whole.keys())
        raise RunError(
            f"The store has lost {lost} of the run: "
            f"{self._store.url_of(self._object(lost, state.files[lost], self._attempt.source))} "
            "is missing or was changed. Remove the folder of that attempt, and the run "
            "starts anew."
        )

    def upload_checkpoint(self) -> bool:
        """Upload a new checkpoint and all files that it needs; returns whether there was one.

        Raises:
            StoreError: the caller should retry; the store has either the old state or the new one.
        """
        signature = self._signature(_CHECKPOINT)
        if signature is None or signature == self._checkpoint:
            return False
        self._upload([_CHECKPOINT], [])
        self._checkpoint = signature
        return True

    def upload_end(self, done: bool) -> None:
        """Upload the files of a run that has ended, without the checkpoint if the run is done.

        Raises:
            StoreError: the caller should retry; the store has either the old state or the new one.
        """
        self._upload([] if done else [_CHECKPOINT], [LOG_NAME])

    def _upload(self, first: Sequence[str], last: Sequence[str]) -> None:
        # A checkpoint's files were written before it; newer files do not disturb it.
        digests = {name: self._upload_file(name) for name in first}
        digests |= {name: self._upload_file(name) for name in [*self._others(), *last]}
        files = {name: digest for name, digest in digests.items() if digest is not None}
        if files != self._state.files:
            state = State(files=files)
            self._store.write(self._attempt.name(STATE_NAME), state.model_dump_json().encode())
            self._state = state
        named = {self._object(name, digest) for name, digest in files.items()}
        self._store.remove(sorted(self._written - named))
        self._written = named

    def _others(self) -> list[str]:
        paths = [path.relative_to(self._folder) for path in self._folder.rglob("*")]
        shown = [path for path in paths if not any(part.startswith(".") for part in path.parts)]
        names = {path.as_posix() for path in shown if (self._folder / path).is_file()}
        return sorted(names - {_CHECKPOINT, LOG_NAME, *_GIVEN})

    def _upload_file(self, name: str) -> str | None:
        """Write a file's content to the store; returns its hash, or None if the file is gone."""
        signature = self._signature(name)
        if name in self._seen and self._seen[name][0] == signature:
            return self._seen[name][1]
        try:
            data = (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None
        if name == _CHECKPOINT and unseal(data) is None:
            # A checkpoint that the disk damaged must not replace a whole one.
            return self._state.files.get(name)
        digest = hashlib.sha256(data).hexdigest()
        if self._state.files.get(name) != digest:
            self._written.add(self._object(name, digest))
            self._store.write(self._object(name, digest), data)
        self._seen[name] = (signature, digest)
        return digest

    def _signature(self, name: str) -> tuple[int, int] | None:
        """A value that changes when the file is replaced; None if there is no file."""
        try:
            status = (self._folder / name).stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino

    def _object(self, name: str, digest: str, number: int | None = None) -> str:
        path = PurePosixPath(name)
        return self._attempt.name(str(path.with_name(f"{digest[:16]}-{path.name}")), number)

    def _source_state(self) -> State:
        place = self._attempt.name(STATE_NAME, self._attempt.source)
        data = self._store.read(place)
        try:
            state = State.model_validate_json(data or b"")
        except ValidationError as error:
            raise RunError(f"{self._store.url_of(place)} is not the state of a run.") from error
        for name in map(PurePosixPath, state.files):
            if name.is_absolute() or ".." in name.parts or str(name).startswith("."):
                raise RunError(f"{self._store.url_of(place)} names a file outside of the run.")
        return state

    def _source_file(self, name: str, digest: str) -> bytes | None:
        data = self._store.read(self._object(name, digest, self._attempt.source))
        return data if data is not None and hashlib.sha256(data).hexdigest() == digest else None
