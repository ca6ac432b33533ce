"""The process of one run: start it, enforce its limits, stop it, and read how it ended.

This module does not import torch: on a cluster, every worker that waits for a run imports it.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lnlbench.errors import RunError
from lnlbench.system.gpus import VISIBLE

LOG_NAME = "log.txt"
PROGRAM = (sys.executable, "-m", "lnlbench.cli.child")
# Seconds that a run may take to end its step and write its checkpoint after it is asked to stop.
GRACE_SECONDS = 15.0
MEMORY_INTERVAL_SECONDS = 0.5
LAST_LINES = 12
_TAIL_BYTES = 2**14
_PROC = Path("/proc")
# Each library reads its own variable; a run that took all cores would slow down the others.
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True)
class Limits:
    """A run's limits: seconds, and bytes of memory of all its processes; None means no limit."""

    seconds: float | None = None
    memory: int | None = None


@dataclass(frozen=True)
class Exit:
    """How a process ended.

    `code` is negative if a signal ended it, and None if it was lost with its machine. `output` is
    its standard output, `lines` the last lines of its log. `limit` names the limit that it reached,
    if any.
    """

    code: int | None
    output: str
    lines: tuple[str, ...]
    seconds: float
    limit: str | None = None


class Process(Protocol):
    """A process that leads a group."""

    @property
    def pid(self) -> int:
        """Its ID, and that of its group."""

    def poll(self) -> int | None:
        """The exit code, negative if a signal ended it; None while it runs."""

    def terminate(self) -> None:
        """Ask it to end."""


# Starts `lnlbench` with arguments and environment variables, so that its output and its log go to
# two open files. It returns None if it cannot, and the caller then starts a new process.
Start = Callable[[Sequence[str], Mapping[str, str], int, int], Process | None]


def start_fresh(
    arguments: Sequence[str], environment: Mapping[str, str], output: int, log: int
) -> Process:
    """Start `lnlbench` as a new process."""
    return subprocess.Popen(
        [*PROGRAM, str(os.getpid()), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=log,
        env=dict(environment),
        process_group=0,
    )


class RunProcess:
    """`lnlbench` with these arguments, in a process group of its own; its log goes to `folder`."""

    def __init__(
        self,
        folder: Path,
        arguments: Sequence[str],
        limits: Limits,
        environment: Mapping[str, str],
        start: Start = start_fresh,
    ) -> None:
        self._limits = limits
        self._limit: str | None = None
        self._kill_at = float("inf")
        self._measured = self._began = time.monotonic()
        self.log = folder / LOG_NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # Not in the system's folder: to find it, Python writes a file that a kill would leave.
            self._output = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (for the process)
            with self.log.open("wb") as log:
                files = self._output.fileno(), log.fileno()
                self._process = start(arguments, environment, *files) or start_fresh(
                    arguments, environment, *files
                )
        except OSError as error:
            raise RunError(
                f"Cannot start a run in {folder}: {error.strerror or error}. Mend this, for "
                "example by freeing space on the disk. Then the same command resumes the runs."
            ) from error

    def poll(self) -> Exit | None:
        """Enforce the limits; returns how the process ended, or None while it runs."""
        code = self._process.poll()
        if code is None:
            self._enforce(time.monotonic())
            return None
        self._output.seek(0)
        output = self._output.read().decode("utf-8", "replace")
        self._output.close()
        seconds = time.monotonic() - self._began
        return Exit(code, output, tuple(last_lines(self.log, LAST_LINES)), seconds, self._limit)

    def stop(self) -> None:
        """Ask the run to end after its step, with its checkpoint in place."""
        if self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        """End the run and all processes that it has started."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _enforce(self, now: float) -> None:
        if now >= self._kill_at:
            self.kill()
        if self._limit is not None:
            return
        seconds, memory = self._limits.seconds, self._limits.memory
        if seconds is not None and now - self._began > seconds:
            self._limit = f"the time limit of {seconds:g} s was reached"
            self._kill_at = now + GRACE_SECONDS
            self.stop()
        elif memory is not None and now - self._measured > MEMORY_INTERVAL_SECONDS:
            self._measured = now
            used = group_memory(self._process.pid)
            if used > memory:
                self._limit = (
                    f"the memory limit of {memory / 2**20:,.0f} MiB was exceeded: "
                    f"{used / 2**20:,.0f} MiB were in use"
                )
                self.kill()


def run_environment(base: Mapping[str, str], threads: int, gpu: str | None) -> dict[str, str]:
    """Environment variables that limit a run to some threads and to one GPU."""
    variables = {**base, **dict.fromkeys(_THREADS, str(threads))}
    return variables if gpu is None else {**variables, VISIBLE: gpu}


def memory_is_measurable() -> bool:
    """Whether this system tells how much memory another process holds."""
    return (_PROC / "self" / "stat").exists()


def group_memory(group: int) -> int:
    """Resident bytes of all processes of a process group."""
    pages = 0
    for file in _PROC.glob("[0-9]*/stat"):
        with suppress(OSError):  # the process may have ended meanwhile
            # The name in parentheses may hold any characters; numbers follow it (proc(5)).
            fields = file.read_text(errors="replace").rpartition(")")[2].split()
            if int(fields[2]) == group:
                pages += int(fields[21])
    return pages * os.sysconf("SC_PAGE_SIZE")


def last_lines(file: Path, count: int) -> list[str]:
    """The last non-empty lines of a log; an empty list if the log cannot be read."""
    try:
        with file.open("rb") as log:
            log.seek(max(0, file.stat().st_size - _TAIL_BYTES))
            text = log.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line.rstrip() for line in text.splitlines() if line.strip()][-count:]
