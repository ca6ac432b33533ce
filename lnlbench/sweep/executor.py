"""What an executor is: it runs jobs, each a process of its own, and says how they end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from lnlbench.runner.directory import RunDirectory
from lnlbench.spec.run_spec import RunSpec
from lnlbench.sweep.process import Exit


@dataclass(frozen=True)
class Job:
    """One attempt at a run: the arguments of `lnlbench` that execute it, and where its data lie."""

    spec: RunSpec
    directory: RunDirectory
    arguments: tuple[str, ...]
    locations: Mapping[str, str] = field(default_factory=dict)
    attempt: int = 1

    @property
    def title(self) -> str:
        """The run in words."""
        return f"{self.spec.method} · {self.spec.track} · seed {self.spec.seed}"


@dataclass(frozen=True)
class Ended:
    """A job, and how its process ended."""

    job: Job
    exit: Exit


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
