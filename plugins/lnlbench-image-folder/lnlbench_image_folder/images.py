"""The decoded images of a folder: held in memory, or read from their files during training."""

import hashlib
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import PIL
import torch
from numpy.typing import NDArray
from torch import Tensor

import lnlbench
from lnlbench.data.cache import Arrays, cached
from lnlbench.data.facts import remembered
from lnlbench.data.location import cache_dir
from lnlbench.system.memory import available_memory
from lnlbench.system.progress import shown_progress
from lnlbench_image_folder.decoding import DECODING, RULE, decode, read_squares
from lnlbench_image_folder.reading import Reading

# A run that holds its images has up to four copies of them while it begins.
MEMORY_SHARE = 0.2
_BLOCK_BYTES = 64 << 20
_BLOCK = 2000
_CHANNELS = 3

Unreadable = list[tuple[int, str]]


class Decoded(Protocol):
    """The listed images, and which of them (by number) are unreadable and why."""

    unreadable: Unreadable

    def of(self, rows: NDArray[np.int64]) -> "Tensor | lnlbench.ImageFiles":
        """The images with these numbers, uint8 [M, 3, S, S]."""
        ...

    def value_counts(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """How often each value is in each channel of the training images `rows`, int64 [3, 256]."""
        ...


def decoded(files: Sequence[str], is_train: NDArray[np.bool_], settings: Reading) -> Decoded:
    """The images of these files, held or streamed as the settings say."""
    size = settings.image_size
    stream = settings.stream
    if stream == "auto":
        free = available_memory()
        stream = free is not None and len(files) * _CHANNELS * size**2 > MEMORY_SHARE * free
    return Streamed(files, is_train, settings) if stream else Held(files, settings)


class Held:
    """All images in memory; from the cache if the files are unchanged and none was refused."""

    def __init__(self, files: Sequence[str], settings: Reading) -> None:
        paths = [Path(file) for file in files]

        def decode_all() -> Arrays:
            read = read_squares(paths, settings.image_size, settings.max_megapixels)
            facts = {"unreadable": read.unreadable, "lasting": read.lasting}
            return Arrays({"images": read.images}, facts)

        rule = f"{settings.image_size} {settings.max_megapixels} {RULE} {DECODING}"
        name = f"image-folder-{hashlib.sha256(rule.encode()).hexdigest()[:8]}"
        root = cache_dir() / "arrays"
        kept = cached(name, paths, root, decode_all, lambda made: bool(made.facts["lasting"]))
        self._images = kept.arrays["images"]
        self.unreadable = [(number, reason) for number, reason in kept.facts["unreadable"]]

    def of(self, rows: NDArray[np.int64]) -> Tensor:
        """A copy of these images."""
        return torch.from_numpy(np.ascontiguousarray(self._images[rows]))

    def value_counts(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The counts of these images."""
        return _value_counts(self._images[rows])


class Streamed:
    """Images that stay in their files; all are read once, in blocks, to check and count them.

    The outcome is remembered until a file's size or time changes, unless the system refused a file.
    """

    def __init__(
        self, files: Sequence[str], is_train: NDArray[np.bool_], settings: Reading
    ) -> None:
        size, most = settings.image_size, settings.max_megapixels
        rule = (
            f"{RULE.format(size=size)}, at most {most} megapixels, Pillow {PIL.__version__}, "
            f"decoding {DECODING}"
        )
        read = partial(decode, size=size, max_megapixels=most)
        self._files = lnlbench.ImageFiles(files, read, (_CHANNELS, size, size), rule)
        # Not only the files decide which images are for training.
        key = hashlib.sha256(self._files.identity().encode() + np.packbits(is_train).tobytes())
        found = remembered(
            "image-folder",
            key.hexdigest()[:32],
            lambda: _survey(self._files, is_train, settings),
            lambda found: bool(found["lasting"]),
        )
        self.unreadable = [(number, reason) for number, reason in found["unreadable"]]
        self._counts = np.array(found["counts"], np.int64)

    def of(self, rows: NDArray[np.int64]) -> lnlbench.ImageFiles:
        """The files of these images."""
        return self._files[torch.from_numpy(rows)]

    def value_counts(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The counts of all readable training images; `rows` are exactly these."""
        return self._counts


def _survey(
    files: lnlbench.ImageFiles, is_train: NDArray[np.bool_], settings: Reading
) -> dict[str, Any]:
    counts = np.zeros((_CHANNELS, 256), np.int64)
    unreadable: Unreadable = []
    lasting = True
    total = len(files)
    size = max(1, min(_BLOCK, _BLOCK_BYTES // files.shape[1:].numel()))
    with shown_progress("Reading images", total) if total > _BLOCK else nullcontext() as show:
        for start in range(0, total, size):
            numbers = range(start, min(start + size, total))
            paths = [files.file(number) for number in numbers]
            read = read_squares(paths, settings.image_size, settings.max_megapixels)
            kept = is_train[start : numbers.stop].copy()
            kept[[number for number, _ in read.unreadable]] = False
            counts += _value_counts(read.images[kept])
            unreadable += [(start + number, reason) for number, reason in read.unreadable]
            lasting = lasting and read.lasting
            if show is not None:
                show(numbers.stop)
    return {"unreadable": unreadable, "lasting": lasting, "counts": counts.tolist()}


def _value_counts(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    channels = range(images.shape[1])
    return np.stack([np.bincount(images[:, each].ravel(), minlength=256) for each in channels])
