"""The local executor: one process for each run, as many at a time as the machine has room for."""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from lnlbench.sweep.executor import Ended, Job, Limits
from lnlbench.sweep.process import RunProcess, last_lines

POLL_SECONDS = 0.02
# Each library reads its own; a run that took them all would slow down every other.
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_GPUS = "CUDA_VISIBLE_DEVICES"
_MEMORY = Path("/proc/meminfo")


class LocalExecutor:
    """Runs jobs on this machine; with `gpus`, each slot sees one of them."""

    def __init__(self, slots: int, threads: int, gpus: Sequence[str], limits: Limits) -> None:
        self.slots = slots
        self._threads = threads
        self._gpus = gpus
        self._limits = limits
        self._running: dict[int, RunProcess] = {}

    def start(self, job: Job) -> None:
        """Start a job in the first free slot."""
        slot = min(set(range(self.slots)) - self._running.keys())
        gpu = self._gpus[slot % len(self._gpus)] if self._gpus else None
        variables = run_environment(os.environ, self._threads, gpu)
        self._running[slot] = RunProcess(job, self._limits, variables)

    def wait(self) -> list[Ended]:
        """The jobs that have ended; sleeps a moment when there are none."""
        ended = []
        for slot, process in list(self._running.items()):
            outcome = process.poll()
            if outcome is not None:
                del self._running[slot]
                ended.append(outcome)
        if not ended:
            time.sleep(POLL_SECONDS)
        return ended

    def progress(self) -> list[tuple[Job, str]]:
        """The jobs that run, with the last line of each log."""
        return [
            (process.job, "".join(last_lines(process.log, 1))) for process in self._running.values()
        ]

    def stop(self) -> None:
        """Ask all jobs to end after their step."""
        for process in self._running.values():
            process.stop()

    def kill(self) -> None:
        """Kill all jobs."""
        for process in self._running.values():
            process.kill()


def run_environment(base: Mapping[str, str], threads: int, gpu: str | None) -> dict[str, str]:
    """The variables of a run that may use so many threads, and this GPU alone."""
    variables = {**base, **dict.fromkeys(_THREADS, str(threads))}
    return variables if gpu is None else {**variables, _GPUS: gpu}


def visible_gpus(device: str) -> list[str]:
    """The GPUs over which runs are spread; none for the CPU, or for one that the user has named."""
    if device not in ("auto", "cuda"):
        return []
    named = [each.strip() for each in os.environ.get(_GPUS, "").split(",") if each.strip()]
    return named or [str(number) for number in range(torch.cuda.device_count())]


def default_slots(cores: int, gpus: int, runs_per_gpu: int, peak_memory: int | None) -> int:
    """How many runs at a time: for each GPU `runs_per_gpu`, else one for each core.

    On a CPU no more than fit into the memory that is free, where the largest recorded peak of such
    runs is known.
    """
    if gpus:
        return gpus * runs_per_gpu
    free = available_memory()
    if not peak_memory or free is None:
        return cores
    return max(1, min(cores, free // peak_memory))


def available_memory() -> int | None:
    """Bytes that programs can still take; None where the system does not say."""
    if not _MEMORY.exists():
        return None
    lines = _MEMORY.read_text().splitlines()
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    return found[0] if found else None
