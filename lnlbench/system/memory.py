"""How much memory is still free on this machine, and the most that a run took."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_MEMORY = Path("/proc/meminfo")
_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # proc(5): resets the peak resident set size
# The limit of a container: control groups v2 and v1.
_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def available_memory() -> int | None:
    """Bytes that programs can still take; None if the system does not say.

    Never more than the limit of a container, because the system's own figure ignores the limit.
    """
    if not _MEMORY.exists():
        return None
    lines = _MEMORY.read_text().splitlines()
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    for limit in _LIMITS:
        with suppress(OSError, ValueError):  # there is no such file, or it holds the word "max"
            found.append(int(limit.read_text()))
    return min(found, default=None)


def reset_peak_memory(device: torch.device) -> None:
    """Reset the peak, so that a run does not inherit the peak of an earlier run.

    On a CPU only Linux can reset it; other systems keep the peak of the whole process.
    """
    if device.type == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats(device)
    elif _CLEAR_REFS.exists():
        with suppress(OSError):  # some containers forbid it
            _CLEAR_REFS.write_text(_RESET_PEAK)


def peak_memory_bytes(device: torch.device) -> int:
    """Most memory used since the reset: allocated on CUDA, resident in the process on a CPU."""
    if device.type == "cuda":
        import torch

        return torch.cuda.max_memory_allocated(device)
    if _STATUS.exists():
        peak = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) * 1024
    # The resource module exists only on POSIX; macOS counts in bytes.
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
