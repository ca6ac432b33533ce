"""Commands that are killed at seeded random moments, and what the run after each kill leaves."""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import kill_switch
from cli import Running, essence, start_forked, start_process

Command = tuple[str, ...]
# A time, a change of a file by any process of the command, or a time in the life of a fresh
# process: the others are forks of a process that has imported torch, and start in no time.
KINDS = ("time", "change", "change", "time", "fresh process")
_SECONDS = 600
_CACHE, _TEMPORARY = "cache", "tmp"
_UNEQUAL = {"checkpoint", "log.txt"}  # they hold times


@dataclass(frozen=True)
class Door:
    """Commands of one kind, and how many kills they get.

    `prepare` runs first in each fork. A door that has one starts no fresh process, which would lack
    it.
    """

    name: str
    commands: list[Command]
    kills: int
    prepare: Callable[[], None] | None = None


@dataclass(frozen=True)
class Calm:
    """A run that was not killed: what it leaves, its seconds, and its number of changes."""

    contents: dict[str, Any]
    seconds: float
    changes: int


@dataclass
class Count:
    """The kills of a door by kind and by how much was written, and the faults by kind."""

    kills: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    written: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("nothing", "a part", "everything"), 0)
    )
    unfinished: int = 0  # kills that left a file or folder that an undisturbed run does not leave
    faults: dict[str, list[str]] = field(
        default_factory=lambda: {"lost": [], "doubled": [], "differing": [], "left over": []}
    )


class Attack:
    """Kills the commands of a door in turn, each in a new folder, and then runs each to its end.

    One in three is killed twice, so that a run that resumes is killed too.
    """

    def __init__(self, door: Door, folder: Path) -> None:
        self.count = Count()
        self._door = door
        self._folder = folder
        self._random = Random(f"kills {door.name}")
        self._site = folder / "site"
        self._calm: dict[Command, Calm] = {}
        self._fresh_seconds: float | None = None
        kill_switch.install(self._site)

    def run(self) -> Count:
        """Kill until the door has had all its kills."""
        # The first fork waits for the process that it is a fork of.
        start_forked("--help", folder=self._folder / "first").finish()
        number = 0
        while sum(self.count.kills.values()) < self._door.kills:
            command = self._door.commands[number % len(self._door.commands)]
            self._disturb(command, self._folder / f"{number:03}")
            number += 1
        return self.count

    def _disturb(self, command: Command, folder: Path) -> None:
        if command not in self._calm:
            self._calm[command] = self._undisturbed(command)
        calm = self._calm[command]
        for _ in range(self._random.choice((1, 1, 2))):
            if not self._killed(command, folder, calm):
                break
            self._note_state(calm, folder)
        outcome = self._fork(command, folder).finish(_SECONDS)
        if outcome.code:
            self._blame("lost", folder, f"exit code {outcome.code}: {outcome.err[-1000:]}")
        self._compare(calm, folder)

    def _undisturbed(self, command: Command) -> Calm:
        folder = self._folder / f"calm-{len(self._calm):03}"
        began = time.monotonic()
        outcome = self._fork(command, folder).finish(_SECONDS)
        assert outcome.code == 0, outcome
        seconds = time.monotonic() - began
        return Calm(_contents(folder), seconds, _counter(folder).stat().st_size)

    def _killed(self, command: Command, folder: Path, calm: Calm) -> bool:
        """Run the command and kill it at a random moment; False if it ended before."""
        kinds = KINDS if self._door.prepare is None else KINDS[:-1]
        kind = kinds[sum(self.count.kills.values()) % len(kinds)]
        at = 0
        if kind == "fresh process":
            lifetime = self._fresh_lifetime(command)
            running = self._fresh(command, folder)
        else:
            lifetime = calm.seconds
            at = self._random.randint(1, calm.changes) if kind == "change" else 0
            running = self._fork(command, folder, at)
        if not at:
            running.kill_group(self._random.uniform(0, lifetime))
        outcome = running.finish(_SECONDS)
        _wait_for_children(running.pid)
        assert outcome.code in (0, -9), outcome
        self.count.kills[kind] += outcome.code != 0
        return outcome.code != 0

    def _fork(self, command: Command, folder: Path, at: int = 0) -> Running:
        prepare = partial(_prepare, folder, self._site, at, self._door.prepare)
        return start_forked(*command, folder=folder, prepare=prepare)

    def _fresh(self, command: Command, folder: Path) -> Running:
        (folder / _TEMPORARY).mkdir(parents=True, exist_ok=True)
        return start_process(*command, folder=folder, **_variables(folder))

    def _fresh_lifetime(self, command: Command) -> float:
        if self._fresh_seconds is None:
            began = time.monotonic()
            assert self._fresh(command, self._folder / "calm-fresh").finish(_SECONDS).code == 0
            self._fresh_seconds = time.monotonic() - began
        return self._fresh_seconds

    def _note_state(self, calm: Calm, folder: Path) -> None:
        there = set(_files(folder))
        share = len(there & set(calm.contents)) / len(calm.contents)
        state = "everything" if share == 1 else "a part" if share else "nothing"
        self.count.written[state] += 1
        self.count.unfinished += bool(there - set(calm.contents))

    def _compare(self, calm: Calm, folder: Path) -> None:
        found, expected = _contents(folder), calm.contents
        for name in expected.keys() - found.keys():
            self._blame("lost", folder, name)
        for name in found.keys() - expected.keys():
            self._blame("doubled" if "leaderboards" in name else "left over", folder, name)
        for name in found.keys() & expected.keys():
            if found[name] != expected[name]:
                self._blame("differing", folder, name)
        if not any(str(folder) in each for kind in self.count.faults.values() for each in kind):
            shutil.rmtree(folder)

    def _blame(self, kind: str, folder: Path, what: str) -> None:
        self.count.faults[kind].append(f"{folder}: {what}")


def _prepare(folder: Path, site: Path, at: int, further: Callable[[], None] | None) -> None:
    """What a fork does first: lead a group with a switch, and keep everything in its folder."""
    (folder / _TEMPORARY).mkdir(exist_ok=True)
    os.environ |= _variables(folder)
    tempfile.tempdir = None  # it may be known already
    if further is not None:
        further()
    _counter(folder).unlink(missing_ok=True)
    kill_switch.arm_group(folder, site, _counter(folder), at)


def _variables(folder: Path) -> dict[str, str]:
    return {
        "LNLBENCH_CACHE_DIR": str(folder / _CACHE),
        "TMPDIR": str(folder / _TEMPORARY),
    }


def _counter(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}-changes")


def _wait_for_children(parent: int) -> None:
    """Runs of a sweep see at most 0.2 seconds later that their sweep is gone."""
    sign = f"lnlbench.cli.child\0{parent}\0".encode()
    deadline = time.monotonic() + _SECONDS
    while any(sign in _command_line(each) for each in Path("/proc").glob("[0-9]*/cmdline")):
        assert time.monotonic() < deadline, f"a child of {parent} outlives it"
        time.sleep(0.02)


def _command_line(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:  # it has ended meanwhile
        return b""


def _files(folder: Path) -> dict[str, Path]:
    """All files and folders below a folder, by name, without what the command printed."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    return {name: path for name, path in found.items() if name not in ("out", "err", _TEMPORARY)}


def _contents(folder: Path) -> dict[str, Any]:
    """Everything in a folder that equal runs must share, by the file's name."""
    return {name: _content(path) for name, path in _files(folder).items()}


def _content(path: Path) -> Any:
    if path.is_dir() or path.name in _UNEQUAL:
        return None
    if path.name == "result.json" or "leaderboards" in path.parts:
        return essence(json.loads(path.read_bytes())) if path.suffix == ".json" else None
    if path.name == "recipe.json":
        recipe = json.loads(path.read_bytes())
        return {**recipe, "wall_seconds": None, "created": None}
    if path.name == "trials.journal":
        return _trials(path)
    if path.parts[-3:-1] == (_CACHE, "plugins"):
        return _declarations(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _declarations(file: Path) -> Any:
    """What plugins declare, without the files that the process which wrote it had read."""
    digest, _, text = file.read_bytes().partition(b"\n")
    assert hashlib.sha256(text).hexdigest().encode() == digest, f"{file} is damaged"
    document = json.loads(text)
    assert document.pop("files"), file
    return document


def _trials(file: Path) -> list[Any]:
    from optuna import load_study
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    storage = JournalStorage(JournalFileBackend(str(file)))
    return [
        (trial.number, trial.state.name, trial.value, trial.params, trial.intermediate_values)
        for trial in load_study(study_name="search", storage=storage).trials
    ]
