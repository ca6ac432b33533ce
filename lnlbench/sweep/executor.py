"""The interface of executors: they run jobs, each in its own process, and say how they end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from lnlbench.runner.directory import RunDirectory
from lnlbench.spec.run_spec import RunSpec
from lnlbench.sweep.process import Exit


@dataclass(frozen=True)
class Job:
    """One attempt at a run: the arguments of `lnlbench` that execute it, and its data's places."""

    spec: RunSpec
    directory: RunDirectory
    arguments: tuple[str, ...]
    locations: Mapping[str, str] = field(default_factory=dict)
    attempt: int = 1

    @property
    def title(self) -> str:
        """A short title of the run."""
        return f"{self.spec.method} · {self.spec.track} · seed {self.spec.seed}"


@dataclass(frozen=True)
class Ended:
    """A job, and how its process ended."""

    job: Job
    exit: Exit


class Executor(Protocol):
    """Runs up to `slots` jobs at once."""

    slots: int

    def start(self, job: Job) -> None:
        """Start a job; the caller makes sure that a slot is free."""

    def wait(self) -> list[Ended]:
        """Wait a moment, and return the jobs that have ended since the last call."""

    def progress(self) -> list[tuple[Job, str]]:
        """The running jobs, with the last line that each has printed."""

    def stop(self) -> None:
        """Ask all jobs to keep their state and end."""

    def kill(self) -> None:
        """End all jobs at once."""
