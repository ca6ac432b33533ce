"""Where the runs of a folder stand, read from their directories: nothing is loaded or executed."""

import shlex
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lnlbench.errors import DataError, UsageError
from lnlbench.results.store import read_result
from lnlbench.runner.directory import RunDirectory
from lnlbench.runner.lock import is_held
from lnlbench.sweep.process import LOG_NAME, last_lines
from lnlbench.system.listing import print_listing

State = Literal["running", "failed", "diverged", "interrupted", "waiting", "done"]
# In the order in which they are shown.
STATES: tuple[State, ...] = ("running", "failed", "diverged", "interrupted", "waiting", "done")


@dataclass(frozen=True)
class RunStatus:
    """Where a run stands: `about` is its reason, its last line, or its accuracy."""

    title: str
    state: State
    about: str
    directory: Path
    log: Path | None

    @property
    def command(self) -> str | None:
        """The command that starts, resumes or repeats the run; None if there is nothing to do."""
        if self.state in ("running", "done"):
            return None
        return shlex.join(["lnlbench", "run", "--resume", str(self.directory)])

    def document(self) -> dict[str, Any]:
        """The same as JSON values."""
        log = None if self.log is None else str(self.log)
        facts = {"run": self.title, "state": self.state, "about": self.about, "log": log}
        return {**facts, "run_directory": str(self.directory), "command": self.command}


def statuses(folder: Path) -> list[RunStatus]:
    """Where each run in an output folder, or in a folder below its `runs`, stands.

    Raises:
        UsageError: there is no run.
    """
    below = folder / "runs"
    found = [_status(each) for each in RunDirectory.find(below if below.is_dir() else folder)]
    return sorted(found, key=lambda each: (STATES.index(each.state), each.title))


def _status(directory: RunDirectory) -> RunStatus:
    own = directory.path / LOG_NAME
    state, about = _state(directory, "".join(last_lines(own, 1)))
    log = next((file for file in (own, directory.error_file) if file.exists()), None)
    return RunStatus(_title(directory), state, about, directory.path, log)


def _title(directory: RunDirectory) -> str:
    track, method, run = directory.path.resolve().parts[-3:]
    try:
        spec = directory.read_spec()
    except UsageError:
        return f"{method} · {track} · {run}"
    return f"{spec.method} · {spec.track} · seed {spec.seed}"


def _state(directory: RunDirectory, last: str) -> tuple[State, str]:
    if is_held(directory.path):
        return "running", last
    if directory.result_file.exists():
        try:
            result = read_result(directory.result_file)
        except DataError as error:
            return "failed", str(error)
        if result.status == "done":
            accuracy = result.scores.test_accuracy_last10 or 0.0
            return "done", f"test_accuracy_last10 {100 * accuracy:.2f}%"
        return result.status, result.error or ""
    if directory.checkpoint_file.exists():
        return "interrupted", "its process was killed; it resumes from its checkpoint"
    return "waiting", ""


def counted(found: list[RunStatus]) -> str:
    """How many runs are in each state, as a sentence."""
    counts = Counter(each.state for each in found)
    parts = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    return f"{len(found)} run{'' if len(found) == 1 else 's'}: {parts}."


def _below(path: Path, folder: Path | None) -> Path:
    """The path as it is named from a folder above it; the whole path if there is no such folder."""
    whole = path.resolve()
    return whole if folder is None or folder not in whole.parents else whole.relative_to(folder)


def print_statuses(found: list[RunStatus]) -> None:
    """Show the runs' directories; below them, logs and commands of runs that did not end well."""
    # Resolved, because a path such as `..` does not name the folders that it lies in.
    folders = {each.directory.resolve().parents[2] for each in found}
    only = folders.pop() if len(folders) == 1 else None
    place = "" if only is None else f" Their directories are in {_below(only, Path.cwd())}."
    rows = [(each.state, _below(each.directory, only), each.about) for each in found]
    print_listing(("state", "run directory", "about"), rows, title=counted(found) + place)
    for each in found:
        if each.state in ("failed", "diverged", "interrupted"):
            # Not folded, so that a path or a command can be copied from any terminal.
            log = "" if each.log is None else f"  log: {each.log}\n"
            sys.stdout.write(f"\n{each.title}: {each.state}\n{log}  again: {each.command}\n")
