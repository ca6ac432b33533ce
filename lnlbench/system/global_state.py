"""Notice when foreign code changes settings of the whole process, and put them back."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_Setting = tuple[Callable[[], Any], Callable[[Any], Any]]


def _settings() -> dict[str, _Setting]:
    """How each setting is read and written; a library's settings appear once it is imported."""
    settings: dict[str, _Setting] = {
        "the working directory": (Path.cwd, os.chdir),
        "the recursion limit": (sys.getrecursionlimit, sys.setrecursionlimit),
        "the handler of Ctrl-C": (
            lambda: signal.getsignal(signal.SIGINT),
            lambda handler: signal.signal(signal.SIGINT, handler),
        ),
    }
    if "numpy" in sys.modules:
        import numpy as np

        settings["NumPy's error handling"] = (np.geterr, lambda state: np.seterr(**state))
    if "torch" in sys.modules:
        import torch

        settings |= {
            "torch's default dtype": (torch.get_default_dtype, torch.set_default_dtype),
            "torch's default device": (
                lambda: str(torch.get_default_device()),
                # None, not "cpu", is what torch starts with.
                lambda device: torch.set_default_device(None if device == "cpu" else device),
            ),
            "torch's number of threads": (torch.get_num_threads, torch.set_num_threads),
            "torch's gradient mode": (torch.is_grad_enabled, torch.set_grad_enabled),
            "torch's anomaly detection": (
                torch.is_anomaly_enabled,
                torch.autograd.set_detect_anomaly,
            ),
            "torch's deterministic algorithms": (
                torch.are_deterministic_algorithms_enabled,
                torch.use_deterministic_algorithms,
            ),
            "torch's float32 matmul precision": (
                torch.get_float32_matmul_precision,
                torch.set_float32_matmul_precision,
            ),
        }
    return settings


@contextmanager
def changes_undone() -> Iterator[dict[str, tuple[Any, Any]]]:
    """Put settings back at the end; the mapping then holds old and new values of changed ones."""
    before = {name: read() for name, (read, _) in _settings().items()}
    changed: dict[str, tuple[Any, Any]] = {}
    try:
        yield changed
    finally:
        for name, (read, write) in _settings().items():
            if name in before and (now := read()) != before[name]:
                changed[name] = (before[name], now)
                write(before[name])
