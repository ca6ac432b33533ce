"""Read images from files before they are needed, in processes of torch's DataLoader."""

import math
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from lnlbench.data.image_files import ImageFiles, Images
from lnlbench.errors import DataError, RunError, UsageError
from lnlbench.system.cores import available_cores
from lnlbench.system.parent import end_with
from lnlbench.system.progress import shown_progress
from lnlbench.system.text import first_line

if TYPE_CHECKING:
    from hashlib import _Hash

WORKERS_VARIABLE = "LNLBENCH_WORKERS"
_MOST_WORKERS = 16
# How much a worker reads in one piece: little enough that all workers share the first batch of a
# pass, and enough that sending it to the run costs little beside decoding it.
_CHUNK = 64
_CHUNK_BYTES = 4 << 20
_CHUNKS_AHEAD = 4  # of each worker
_MANY = 2000  # images from which on a pass says how far it is
_CPU = torch.device("cpu")


def read_ahead(
    images: ImageFiles,
    index: Tensor,
    bounds: Sequence[tuple[int, int]],
    device: torch.device,
    workers: int | None = None,
) -> Iterator[Tensor]:
    """The images uint8 [B, C, H, W] of each span of `index` (int64 on the CPU), on the device.

    Worker processes read the next images, a bounded number of them, and end with the iterator.
    With `workers` 0, this process reads each span when it is asked for.

    Raises:
        DataError: a file is missing or unreadable; the message names it.
        RunError: a worker process was killed.
    """
    shape = images.shape[1:]
    size = max(1, min(_CHUNK, _CHUNK_BYTES // math.prod(shape)))
    count = sum(-(-(stop - start) // size) for start, stop in bounds)
    workers = default_workers() if workers is None else workers
    workers = min(workers, count) if count > 1 else 0
    chunks = _started(_loader(images, _chunks(index, bounds, size), workers, device))
    try:
        for start, stop in bounds:
            part = torch.empty(stop - start, *shape, dtype=torch.uint8, device=device)
            filled = 0
            while filled < len(part):
                read = _next(chunks)
                if isinstance(read, DataError):
                    raise DataError(str(read))
                part[filled : filled + len(read)].copy_(read, non_blocking=True)
                filled += len(read)
            yield part
    finally:
        # The workers end with their iterator, which an error's traceback would keep.
        del chunks


def update_digest(digest: "_Hash", images: Images) -> None:
    """Add the bytes of all images to a digest; images in files are read once, in blocks.

    Raises:
        DataError: a file is missing or unreadable; the message names it.
        RunError: a worker process was killed.
    """
    if isinstance(images, Tensor):
        digest.update(np.ascontiguousarray(images.numpy()).data)
        return
    count = len(images)
    bounds = [(start, min(start + _CHUNK, count)) for start in range(0, count, _CHUNK)]
    progress = shown_progress("Checking images", count) if count > _MANY else nullcontext()
    with progress as show:
        blocks = read_ahead(images, torch.arange(count), bounds, _CPU)
        for (_, stop), block in zip(bounds, blocks, strict=True):
            digest.update(block.numpy().data)
            if show is not None:
                show(stop)


def default_workers() -> int:
    """Processes that read ahead for one pass: LNLBENCH_WORKERS, else the number of torch's threads.

    The number is at most 16, and at most the number of cores that this process may use. A sweep
    gives each run a share of the threads, so all workers together do not outnumber the cores.

    Raises:
        UsageError: the variable is not a whole number from 0.
    """
    given = os.environ.get(WORKERS_VARIABLE, "").strip()
    if given:
        if not given.isdecimal():
            raise UsageError(
                f"{WORKERS_VARIABLE}={given!r} is not a number of processes that read images: "
                "give 0 to read in the run's own process, or 1, 2, …"
            )
        return int(given)
    return min(torch.get_num_threads(), available_cores(), _MOST_WORKERS)


def _started(loader: DataLoader) -> Iterator[Tensor | DataError]:
    """Start the loader's workers, but keep the process's own handler of SIGCHLD.

    When a worker dies, torch's handler raises wherever the run happens to be, even while it writes
    a result. Without that handler, the code that waits for an image gets an error within 5 seconds.
    """
    watched = sys.platform != "win32" and threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGCHLD) if watched else None
    chunks = iter(loader)
    if before is not None:
        signal.signal(signal.SIGCHLD, before)
    return chunks


def _next(chunks: Iterator[Tensor | DataError]) -> Tensor | DataError:
    try:
        return next(chunks)
    except (RuntimeError, OSError, EOFError) as error:
        reason = first_line(error)
        # A worker may announce an image and die before the image is fetched from it.
        if isinstance(error, RuntimeError) and not reason.startswith("DataLoader worker"):
            raise
        raise RunError(
            f"A process that reads images has ended: {reason}. If the system killed it because "
            f"memory ran out, free some, or set {WORKERS_VARIABLE} to fewer than "
            f"{default_workers()}; 0 reads in the run's own process. Then resume the run at its "
            "last checkpoint: --resume RUN_DIR."
        ) from error


class _Chunks(Dataset):
    """Turns rows into images in a worker; returns an error unchanged, to keep its message."""

    def __init__(self, images: ImageFiles) -> None:
        self._images = images

    def __getitem__(self, rows: list[int]) -> Tensor | DataError:
        try:
            return self._images.read(rows)
        except DataError as error:
            return error


def _chunks(index: Tensor, bounds: Sequence[tuple[int, int]], size: int) -> Iterator[list[int]]:
    for start, stop in bounds:
        for rows in index[start:stop].split(size):
            # Not a tensor: each tensor would travel through shared memory of its own.
            yield rows.tolist()


def _loader(
    images: ImageFiles, chunks: Iterator[list[int]], workers: int, device: torch.device
) -> DataLoader:
    # The loader draws from a generator of its own, because the global one belongs to the method.
    settings: dict[str, Any] = {
        "batch_size": None,
        "sampler": chunks,
        "generator": torch.Generator(),
    }
    if device.type == "cuda":
        settings["pin_memory"] = True
    if workers:
        settings |= {
            "num_workers": workers,
            "prefetch_factor": _CHUNKS_AHEAD,
            "worker_init_fn": partial(_begin_worker, os.getpid()),
            # A fork shares what the run has imported; without fork, use the system's default way.
            "multiprocessing_context": "fork" if sys.platform == "linux" else None,
        }
    return DataLoader(_Chunks(images), **settings)


def _begin_worker(run: int, number: int) -> None:
    # Ctrl-C reaches the whole process group; only the run decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A worker that outlives the run would hold the lock of the run's directory.
    threading.Thread(target=end_with, args=(run,), daemon=True).start()
