"""Devices: which one a run uses, how it is made ready, and how a result describes it."""

import platform
from collections.abc import Mapping
from typing import Any

import torch

from lnlbench.system.cores import available_cores
from lnlbench.system.freed_memory import keep_freed_memory
from lnlbench.system.gpus import check_device


def resolve_device(device: str) -> torch.device:
    """The named device; for "auto" a CUDA device if there is one, else the CPU.

    All work that uses a device asks for it here first. So this also sets the allocator of the
    process, whose defaults cost half of the time on a CPU.

    Raises:
        UsageError: the name is not a device, or this machine does not have such a device.
    """
    check_device(device)
    keep_freed_memory()
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(device)


def describe_device(device: torch.device) -> str:
    """A description of the device that makes sense on another machine."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU ({platform.machine()}, {available_cores()} cores)"


_COMPILED = ", compiled"


def hardware_name(device: torch.device, compiled: bool) -> str:
    """The name under which results state a device.

    Times of compiled networks are comparable only with each other, as on one hardware.
    """
    return describe_device(device) + (_COMPILED if compiled else "")


def was_compiled(environment: Mapping[str, Any]) -> bool:
    """Whether the networks of the run with this environment were compiled."""
    return str(environment.get("device", "")).endswith(_COMPILED)


def wait_for(device: torch.device) -> None:
    """Wait until the device has finished all its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
