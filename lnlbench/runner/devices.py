"""Devices: which one a run uses, how it is made ready, and how a result describes it."""

import platform

import torch

from lnlbench.errors import UsageError
from lnlbench.system.cores import available_cores
from lnlbench.system.freed_memory import keep_freed_memory


def resolve_device(device: str) -> torch.device:
    """The named device; for "auto" a CUDA device if there is one, else the CPU.

    All work that uses a device asks for it here first. So this also sets the allocator of the
    process, whose defaults cost half of the time on a CPU.

    Raises:
        UsageError: the name is not a device, or this machine does not have such a device.
    """
    keep_freed_memory()
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
    """A description of the device that makes sense on another machine."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU ({platform.machine()}, {available_cores()} cores)"
