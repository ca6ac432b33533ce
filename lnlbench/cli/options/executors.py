"""Options that say which processes execute the runs, and how many at a time."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lnlbench.sweep.placement import Placement

Jobs = Annotated[
    int | None,
    typer.Option(
        min=1, help="Number of runs at a time; the default depends on GPUs, or on cores and memory."
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1,
        envvar="OMP_NUM_THREADS",
        help="Number of threads of each run; default: cores / jobs.",
    ),
]
RunsPerGpu = Annotated[int, typer.Option(min=1, help="Number of runs that share a GPU.")]
ExecutorName = Annotated[
    str, typer.Option(help="Where runs execute: local (this machine), or ray (a cluster).")
]
Address = Annotated[
    str,
    typer.Option(
        help="Address of the Ray cluster: HOST:PORT, or auto for the cluster of this machine."
    ),
]
Retries = Annotated[
    int,
    typer.Option(min=0, help="Number of further attempts if something kills the process of a run."),
]


@dataclass(frozen=True)
class ExecutorOptions:
    """The options of the executor."""

    jobs: Jobs = None
    threads: Threads = None
    runs_per_gpu: RunsPerGpu = 1
    retries: Retries = 1
    executor: ExecutorName = "local"
    address: Address = "auto"

    def placement(self, device: str) -> "Placement":
        """Where runs execute.

        Raises:
            UsageError: there is no such executor, or no such device on this machine.
        """
        from lnlbench.sweep.placement import Placement

        return Placement(
            *(self.executor, self.address, self.jobs, self.threads, self.runs_per_gpu, device)
        )
