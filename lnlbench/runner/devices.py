"""Devices: which one a run uses, and how it is described in a result."""

import contextlib
import os
import platform
from pathlib import Path

import torch

from lnlbench.errors import UsageError

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # proc(5): resets the peak resident set size


def resolve_device(device: str) -> torch.device:
    """The device named, or for "auto" a CUDA device when there is one, else the CPU.

    Raises:
        UsageError: the name is no device, or this machine has none of that kind.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except RuntimeError as error:
        raise UsageError(
            f"--device {device!r} is not a device. Use auto, cpu, cuda or cuda:N."
        ) from error
    if resolved.type not in ("cpu", "cuda"):
        raise UsageError(f"--device {device!r} is not supported. Use auto, cpu, cuda or cuda:N.")
    if resolved.type == "cuda" and (resolved.index or 0) >= torch.cuda.device_count():
        raise UsageError(
            f"--device {device!r}: this machine shows {torch.cuda.device_count()} CUDA devices. "
            "Use --device cpu, or another number."
        )
    return resolved


def describe_device(device: torch.device) -> str:
    """The device in words that mean something on another machine."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU ({platform.machine()}, {available_cores()} cores)"


def available_cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def reset_peak_memory(device: torch.device) -> None:
    """Begin to measure the peak anew, so that a run does not inherit an earlier one's.

    On a CPU only Linux can do so; elsewhere the peak stays that of the whole process.
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif _CLEAR_REFS.exists():
        with contextlib.suppress(OSError):  # some containers forbid it
            _CLEAR_REFS.write_text(_RESET_PEAK)


def peak_memory_bytes(device: torch.device) -> int:
    """Highest memory use since the reset: allocated on CUDA, resident of the process on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if _STATUS.exists():
        peak = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) * 1024
    # The resource module exists on POSIX alone; macOS counts in bytes.
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
