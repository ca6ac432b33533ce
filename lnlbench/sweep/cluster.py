"""The Ray executor: each run is one task of a cluster, on any node with room for it.

Ray decides where and when a run starts; `lnlbench run` does the work in a process that the task
watches. The output folder must be one path on all nodes.
"""

import socket
import time
from itertools import islice
from typing import Any

from lnlbench.errors import RunError, UsageError
from lnlbench.sweep.executor import Ended, Job
from lnlbench.sweep.process import LOG_NAME, Exit, Limits, last_lines
from lnlbench.sweep.task import POLL_SECONDS, execute

try:
    import ray
    from ray.exceptions import RayError
except ImportError as error:
    raise UsageError(
        "--executor ray needs Ray, which is not installed. Install it with: "
        "pip install 'lnlbench[ray]'"
    ) from error

# Tasks that Ray gets at once, most of them waiting: enough for an autoscaler to see how much work
# there is, without filling Ray's scheduler with the whole sweep.
IN_FLIGHT = 1000
CONNECT_SECONDS = 10.0
_SHOWN = 20


class RayExecutor:
    """Runs jobs on a Ray cluster; each takes `threads` CPUs, and a GPU share if there are GPUs.

    Without `slots`, the cluster gets more jobs than it has room for, if `queue` allows it.

    Raises:
        RunError: the cluster cannot be reached.
    """

    def __init__(
        self,
        address: str,
        slots: int | None,
        threads: int,
        device: str,
        runs_per_gpu: int,
        limits: Limits,
        queue: bool = True,
    ) -> None:
        try:
            _check_reachable(address)
            ray.init(address=address, log_to_driver=False, logging_level="warning")
        except (OSError, ValueError, RuntimeError) as error:
            raise RunError(
                f"Cannot reach the Ray cluster {address!r}: {error}. Start one with "
                "'ray start --head', and give what it prints as --address."
            ) from error
        resources = ray.cluster_resources()
        gpus = resources.get("GPU", 0) if device != "cpu" else 0
        room = int(resources.get("CPU", 0)) // threads
        if gpus:
            room = min(room, int(gpus * runs_per_gpu))
        self.slots = slots or (IN_FLIGHT if queue else max(1, room))
        # The sweep retries a lost task itself, as it retries a killed process on this machine.
        options: dict[str, Any] = {"num_cpus": threads, "max_retries": 0}
        options["num_gpus"] = 1 / runs_per_gpu if gpus else 0
        if limits.memory is not None:
            options["memory"] = limits.memory
        self._task = ray.remote(**options)(execute)
        self._threads = threads
        self._limits = limits
        self._running: dict[Any, tuple[Job, float]] = {}

    def start(self, job: Job) -> None:
        """Hand a job to Ray, which starts it when there is room."""
        task = self._task.options(name=job.title)  # the name in Ray's dashboard
        reference = task.remote(job.directory.path, job.arguments, self._threads, self._limits)
        self._running[reference] = (job, time.monotonic())

    def wait(self) -> list[Ended]:
        """The jobs that have ended, including those of lost nodes."""
        references = list(self._running)
        ready, _ = ray.wait(references, num_returns=len(references), timeout=POLL_SECONDS)
        return [self._end(reference) for reference in ready]

    def progress(self) -> list[tuple[Job, str]]:
        """The first few running jobs, with the last line of each log."""
        logs = ((job, job.directory.path / LOG_NAME) for job, _ in self._running.values())
        begun = islice(((job, log) for job, log in logs if log.exists()), _SHOWN)
        return [(job, "".join(last_lines(log, 1))) for job, log in begun]

    def stop(self) -> None:
        """Drop the waiting tasks, and ask the running ones to end after their step."""
        for reference in self._running:
            ray.cancel(reference)

    def kill(self) -> None:
        """End all tasks, and leave the cluster."""
        for reference in self._running:
            ray.cancel(reference, force=True)
        ray.shutdown()

    def _end(self, reference: Any) -> Ended:
        job, began = self._running.pop(reference)
        try:
            return Ended(job, ray.get(reference))
        except RayError as error:
            lines = (f"Ray: {type(error).__name__}: {str(error).partition(chr(10))[0]}",)
            return Ended(job, Exit(None, "", lines, time.monotonic() - began))


def _check_reachable(address: str) -> None:
    """Fail if no server listens at HOST:PORT; Ray itself would retry for many minutes."""
    host, colon, port = address.rpartition(":")
    if colon and "://" not in address:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
