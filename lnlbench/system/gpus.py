"""How many GPUs this machine has, without torch where there is no driver of a GPU."""

import os
import re
import sys
from pathlib import Path

from lnlbench.errors import UsageError

VISIBLE = "CUDA_VISIBLE_DEVICES"
# The devices of NVIDIA's driver, of the same under Windows, and of AMD's driver.
_DRIVERS = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg", "/dev/kfd")
_DEVICE = re.compile(r"auto|cpu|cuda(:(?P<number>\d+))?")


def count_gpus() -> int:
    """How many CUDA devices torch would see."""
    if os.environ.get(VISIBLE) == "":
        return 0
    if sys.platform == "darwin" or (
        sys.platform == "linux" and not any(Path(file).exists() for file in _DRIVERS)
    ):
        return 0
    import torch

    return torch.cuda.device_count()


def check_device(device: str) -> None:
    """Refuse a device that this machine does not have.

    Raises:
        UsageError: the name is not a device, or this machine does not have such a device.
    """
    match = _DEVICE.fullmatch(device)
    if match is None:
        raise UsageError(
            f"--device {device!r} is not a device that runs can use. Use auto, cpu, cuda or cuda:N."
        )
    if device.startswith("cuda") and int(match["number"] or 0) >= count_gpus():
        raise UsageError(
            f"--device {device!r}: this machine shows {count_gpus()} CUDA devices. "
            "Use --device cpu, or another number."
        )
