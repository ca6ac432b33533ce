"""The command line under test: in this process, in one of its own, or forked from a warm one."""

import contextlib
import io
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

import lnlbench
from lnlbench.cli import main
from lnlbench.runner.directory import RunDirectory

PACKAGE = Path(lnlbench.__file__).parents[1]
SMALL = ("--track", "digits", "--limit-train", "200", "--limit-test", "100", "--epochs", "2")
# What a developer's or a CI machine's shell may hold, and what a command would obey.
_OBEYED = ("COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")

_fork = multiprocessing.get_context("forkserver")
# Importing torch takes seconds, a fork of a process that has done it milliseconds. torch imports
# its compiler when the first optimizer is made.
_fork.set_forkserver_preload(
    ["lnlbench.runner.series", "lnlbench.methods", "sklearn.datasets", "torch._dynamo"]
)


@dataclass(frozen=True)
class Outcome:
    """How a command ended; `code` is negative when a signal ended it."""

    code: int
    out: str
    err: str


def environment(**changes: str) -> dict[str, str]:
    """This process's environment without what a command would obey, and with `changes`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in _OBEYED and not name.startswith("LNLBENCH_")
    }
    search = os.pathsep.join(filter(None, (changes.pop("PYTHONPATH", ""), str(PACKAGE))))
    return {**kept, "OMP_NUM_THREADS": "1", "PYTHONPATH": search, **changes}


def call(*arguments: object, stdin: str = "", **variables: str) -> Outcome:
    """Run the command in this process, with one thread like the others."""
    out, err = io.StringIO(), io.StringIO()
    with (
        _one_thread(),
        patch.object(sys, "argv", ["lnlbench", *map(str, arguments)]),
        # With `python -m pytest` the command would call itself "python -m pytest.lnlbench".
        patch.object(sys.modules["__main__"], "__package__", None),
        patch.object(sys, "stdin", io.StringIO(stdin)),
        patch.dict(os.environ, environment(**variables), clear=True),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
    return Outcome(code, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def command(*arguments: object) -> list[str]:
    """The real entry point with these arguments."""
    return [sys.executable, "-m", "lnlbench", *map(str, arguments)]


def run_process(
    *arguments: object, cwd: Path, stdin: str = "", timeout: float = 120, **variables: str
) -> Outcome:
    """Run the command as a process of its own."""
    done = subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=environment(**variables),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


class Running:
    """A command that runs in the background, its output in two files of `folder`."""

    def __init__(self, folder: Path, pid: int, ended: Callable[[float], int | None]) -> None:
        self.folder = folder
        self.pid = pid
        self._ended = ended

    def read(self, name: str) -> str:
        """What has been written so far to "out" or "err"."""
        return (self.folder / name).read_text(encoding="utf-8")

    def wait_for(self, text: str, seconds: float = 120) -> None:
        """Wait until `text` has been printed to standard output."""
        deadline = time.monotonic() + seconds
        while text not in self.read("out"):
            code = self._ended(0)
            assert code is None, f"ended with {code} before {text!r}: {self.read('err')}"
            assert time.monotonic() < deadline, f"no {text!r} in: {self.read('out')}"
            time.sleep(0.005)

    def signal(self, number: int) -> None:
        """Send a signal, if the command still runs."""
        if self._ended(0) is None:
            os.kill(self.pid, number)

    def kill_group(self, seconds: float = 0) -> None:
        """Kill the process group that the command leads, unless it ends within these seconds."""
        if self._ended(seconds) is not None:
            return
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:  # a fork that has not made its group yet is alone
            os.kill(self.pid, signal.SIGKILL)

    def finish(self, seconds: float = 120) -> Outcome:
        """Wait for the end."""
        code = self._ended(seconds)
        assert code is not None, f"still running after {seconds} s: {self.read('out')}"
        return Outcome(code, self.read("out"), self.read("err"))


def start_process(*arguments: object, folder: Path, **variables: str) -> Running:
    """Start the command as a process of its own, in `folder`, as the leader of a group."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "out").open("w") as out, (folder / "err").open("w") as err:
        process = subprocess.Popen(
            command(*arguments),
            cwd=folder,
            env=environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            process_group=0,
        )

    def ended(seconds: float) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(seconds)
        return None

    return Running(folder, process.pid, ended)


def start_forked(
    *arguments: object,
    folder: Path,
    prepare: Callable[[], Any] | None = None,
    program: Callable[[], Any] = main,
) -> Running:
    """Start a program, the command, in a fork of a process that has imported torch, in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("out", "err"):
        (folder / name).write_bytes(b"")
    process = _fork.Process(
        target=_main_in_fork, args=([str(each) for each in arguments], folder, prepare, program)
    )
    process.start()
    assert process.pid is not None

    def ended(seconds: float) -> int | None:
        process.join(seconds)
        return process.exitcode

    return Running(folder, process.pid, ended)


def _main_in_fork(
    arguments: list[str],
    folder: Path,
    prepare: Callable[[], Any] | None,
    program: Callable[[], Any],
) -> None:
    for descriptor, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_APPEND), descriptor)
    os.chdir(folder)
    given = environment()
    os.environ.clear()  # of what a command would obey, such as a data folder
    os.environ.update(given)
    torch.set_num_threads(1)
    sys.argv = ["lnlbench", *arguments]
    if prepare is not None:
        prepare()
    program()


def essence(document: dict[str, Any]) -> dict[str, Any]:
    """A result without what equal runs may differ in: times, memory, the checkout's git state."""
    machine = {k: v for k, v in document["environment"].items() if not k.startswith("git_")}
    return {**document, "environment": machine, "cost": None, "created": None}


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Content and modification time of every file below a folder, locks left out."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def stored(folder: Path) -> dict[str, Any]:
    """The one result below an output folder."""
    [file] = (folder / "leaderboards").rglob("*.json")
    return json.loads(file.read_text())


def directory_of(folder: Path) -> RunDirectory:
    """The one run directory below an output folder."""
    [directory] = RunDirectory.find(folder / "runs")
    return directory


def temporary_files(folder: Path) -> list[Path]:
    """What an unfinished write would leave."""
    return list(folder.rglob("*.tmp"))


def reported(outcome: Outcome) -> str:
    """All that a command said, as one line."""
    return " ".join((outcome.out + outcome.err).split())
