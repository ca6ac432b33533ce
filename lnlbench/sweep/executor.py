"""What an executor is: it runs jobs, each a process of its own, and says how they end."""

from dataclasses import dataclass
from typing import Protocol

from lnlbench.runner.directory import RunDirectory
from lnlbench.runner.spec import RunSpec

LOG_NAME = "log.txt"


@dataclass(frozen=True)
class Limits:
    """What a run may use: seconds, and bytes of resident memory of all its processes; None: any."""

    seconds: float | None = None
    memory: int | None = None


@dataclass(frozen=True)
class Job:
    """One attempt at a run: the arguments of `lnlbench` that execute it."""

    spec: RunSpec
    directory: RunDirectory
    arguments: tuple[str, ...]
    attempt: int = 1

    @property
    def title(self) -> str:
        """The run in words."""
        return f"{self.spec.method} · {self.spec.track} · seed {self.spec.seed}"


@dataclass(frozen=True)
class Ended:
    """How a job's process ended.

    `code` is negative when a signal ended it. `output` is its standard output, `lines` the last of
    its log. `limit` says which limit it had reached, if any.
    """

    job: Job
    code: int
    output: str
    lines: tuple[str, ...]
    seconds: float
    limit: str | None = None


class Executor(Protocol):
    """Runs up to `slots` jobs at a time."""

    slots: int

    def start(self, job: Job) -> None:
        """Start a job; there must be a free slot."""

    def wait(self) -> list[Ended]:
        """Wait a moment; returns the jobs that have ended since the last call."""

    def progress(self) -> list[tuple[Job, str]]:
        """The jobs that run, with the last line that each has printed."""

    def stop(self) -> None:
        """Ask all jobs to keep their state and end."""

    def kill(self) -> None:
        """End all jobs at once."""
