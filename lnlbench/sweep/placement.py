"""Where many runs are executed: on this machine or on a cluster, how many at a time."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lnlbench.errors import unknown_name
from lnlbench.system.cores import available_cores
from lnlbench.system.gpus import check_device

if TYPE_CHECKING:
    from lnlbench.sweep.executor import Executor
    from lnlbench.sweep.process import Limits

EXECUTORS = ("local", "ray")


@dataclass(frozen=True)
class Placement:
    """An executor by name, and what it shares out among runs; None leaves a number open.

    Raises:
        UsageError: no such executor, or no such device on this machine, which is to execute.
    """

    name: str
    address: str
    jobs: int | None
    threads: int | None
    runs_per_gpu: int
    device: str

    def __post_init__(self) -> None:
        if self.name not in EXECUTORS:
            raise unknown_name("executor", self.name, EXECUTORS)
        if not self.remote:
            check_device(self.device)

    @property
    def remote(self) -> bool:
        """Whether other machines execute the runs, with other working directories."""
        return self.name == "ray"

    def slots(self, peak_memory: int | None) -> int | None:
        """How many runs execute at once, if each takes `peak_memory` bytes.

        None: the cluster decides.
        """
        from lnlbench.sweep.local import default_slots, visible_gpus

        if self.jobs is not None or self.remote:
            return self.jobs
        gpus = len(visible_gpus(self.device)) or int(self.device.startswith("cuda"))
        return default_slots(available_cores(), gpus, self.runs_per_gpu, peak_memory)

    def start(
        self, slots: int | None, limits: "Limits", queue: bool, warm: bool = True
    ) -> "Executor":
        """An executor of so many slots.

        Without a number, a cluster gets all jobs, or, when they may not `queue`, as many as it
        has room for. On this machine and without GPUs, `warm` jobs share what they import.

        Raises:
            UsageError: Ray is not installed.
            RunError: the cluster cannot be reached.
        """
        if self.remote:
            from lnlbench.sweep.cluster import RayExecutor

            return RayExecutor(
                *(self.address, slots, self.threads or 1, self.device, self.runs_per_gpu, limits),
                queue=queue,
            )
        from lnlbench.sweep.local import LocalExecutor, visible_gpus

        assert slots is not None
        threads = self.threads or max(1, available_cores() // slots)
        gpus = visible_gpus(self.device)
        warm = warm and not gpus and not self.device.startswith("cuda")
        return LocalExecutor(slots, threads, gpus, limits, warm)
