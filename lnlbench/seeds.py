"""Seeds by named axes: each source of randomness has its own stream, independent of the others."""

import hashlib
import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

# The global streams belong to the whole process, so whatever draws from them in a thread takes
# turns: runs, audits and exports.
TURN = threading.Lock()


def seed_for(seed: int, *axes: str | int) -> int:
    """A 63-bit seed for one axis, for example ("order", epoch) or ("initialization", 2)."""
    text = json.dumps([seed, *axes])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


def generator_for(seed: int, *axes: str | int) -> torch.Generator:
    """A CPU generator for one axis, so that draws are the same on every device."""
    return torch.Generator().manual_seed(seed_for(seed, *axes))


def seed_global_streams(seed: int, *axes: str | int) -> None:
    """Seed torch, NumPy and Python, for dropout and for methods that draw from them."""
    number = seed_for(seed, *axes)
    torch.manual_seed(number)
    np.random.seed(number % 2**32)
    random.seed(number)


@contextmanager
def global_streams_kept(gpus: bool = True) -> Iterator[None]:
    """Give the caller the global streams back as they were.

    Without `gpus` the streams of GPUs are left alone: reading one starts CUDA in this process.
    """
    devices = range(torch.cuda.device_count() if gpus else 0)
    numpy_state, python_state = np.random.get_state(), random.getstate()
    with torch.random.fork_rng(devices=devices):
        try:
            yield
        finally:
            np.random.set_state(numpy_state)
            random.setstate(python_state)
