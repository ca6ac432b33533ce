"""The local executor: one process for each run, as many at once as the machine has room for."""

import os
import time
from collections.abc import Sequence

from lnlbench.sweep.executor import Ended, Job
from lnlbench.sweep.process import (
    Limits,
    RunProcess,
    last_lines,
    run_environment,
    start_fresh,
)
from lnlbench.sweep.warm import WarmProcesses
from lnlbench.system.gpus import VISIBLE, count_gpus
from lnlbench.system.memory import available_memory

POLL_SECONDS = 0.02


class LocalExecutor:
    """Runs jobs on this machine; with `gpus`, each slot sees one of them.

    With `warm`, jobs are forked from a process that has imported torch, where that is possible.
    """

    def __init__(
        self, slots: int, threads: int, gpus: Sequence[str], limits: Limits, warm: bool = False
    ) -> None:
        self.slots = slots
        self._threads = threads
        self._gpus = gpus
        self._limits = limits
        self._running: dict[int, tuple[Job, RunProcess]] = {}
        self._warm = WarmProcesses() if warm else None

    def start(self, job: Job) -> None:
        """Start a job in the first free slot."""
        slot = min(set(range(self.slots)) - self._running.keys())
        gpu = self._gpus[slot % len(self._gpus)] if self._gpus else None
        variables = run_environment(os.environ, self._threads, gpu)
        how = start_fresh if self._warm is None else self._warm.start
        process = RunProcess(job.directory.path, job.arguments, self._limits, variables, how)
        self._running[slot] = (job, process)

    def wait(self) -> list[Ended]:
        """The jobs that have ended; sleeps a moment if no job has."""
        ended = []
        for slot, (job, process) in list(self._running.items()):
            outcome = process.poll()
            if outcome is not None:
                del self._running[slot]
                ended.append(Ended(job, outcome))
        if not ended:
            time.sleep(POLL_SECONDS)
        return ended

    def progress(self) -> list[tuple[Job, str]]:
        """The running jobs, with the last line of each log."""
        running = self._running.values()
        return [(job, "".join(last_lines(process.log, 1))) for job, process in running]

    def stop(self) -> None:
        """Ask all jobs to end after their step."""
        for _, process in self._running.values():
            process.stop()

    def kill(self) -> None:
        """Kill all jobs."""
        for _, process in self._running.values():
            process.kill()
        if self._warm is not None:
            self._warm.close()


def visible_gpus(device: str) -> list[str]:
    """The GPUs that runs are spread over; empty for the CPU, or if the user named one GPU."""
    if device not in ("auto", "cuda"):
        return []
    named = [each.strip() for each in os.environ.get(VISIBLE, "").split(",") if each.strip()]
    return named or [str(number) for number in range(count_gpus())]


def default_slots(cores: int, gpus: int, runs_per_gpu: int, peak_memory: int | None) -> int:
    """How many runs at once: `runs_per_gpu` for each GPU, or without GPUs one for each core.

    On a CPU the number is limited to what fits into free memory, if the largest recorded peak of
    such runs is known.
    """
    if gpus:
        return gpus * runs_per_gpu
    free = available_memory()
    if not peak_memory or free is None:
        return cores
    return max(1, min(cores, free // peak_memory))
