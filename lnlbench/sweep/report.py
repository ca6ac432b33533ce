"""How one run of a sweep ended."""

from dataclasses import dataclass
from typing import Literal

from lnlbench.sweep.executor import Job


@dataclass(frozen=True)
class RunReport:
    """How a run ended in this sweep; `reason` says why it is not done."""

    job: Job
    status: Literal["done", "failed", "diverged", "interrupted", "held"]
    seconds: float
    reason: str | None = None
    accuracy: float | None = None
    result_file: str | None = None

    @property
    def ending(self) -> str:
        """The status in words."""
        return "held by another process" if self.status == "held" else self.status
