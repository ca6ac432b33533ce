"""Decode image files of any size into one array of small square images."""

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lnlbench.data.square_images import RULE, Refused, Unreadable, own_limit, read_square

__all__ = ["DECODING", "RULE", "Squares", "Unreadable", "decode", "read_square", "read_squares"]

# The version of this decoding: images that an earlier version cached are read again.
DECODING = 2
_MANY = 2000


def decode(file: Path, size: int, max_megapixels: float) -> np.ndarray:
    """Like `read_square`, but ignores Pillow's own limit: for files that are read one by one."""
    with own_limit(max_megapixels):
        return read_square(file, size, max_megapixels)


@dataclass(frozen=True)
class Squares:
    """Images uint8 [N, 3, size, size], zero for unreadable files, and the reasons for those.

    `lasting` says whether the same files give the same again: not if the system refused one.
    """

    images: np.ndarray
    unreadable: list[tuple[int, str]]
    lasting: bool


def read_squares(files: Sequence[Path], size: int, max_megapixels: float) -> Squares:
    """All these images, read by several threads."""
    images = np.zeros((len(files), 3, size, size), np.uint8)

    def read(number: int) -> Unreadable | None:
        try:
            images[number] = read_square(files[number], size, max_megapixels)
        except Unreadable as reason:
            return reason
        return None

    if len(files) > _MANY:
        sys.stderr.write(f"Reading {len(files):,} images; later runs find them in the cache.\n")
    with own_limit(max_megapixels), ThreadPoolExecutor(os.cpu_count()) as pool:
        reasons = dict(enumerate(pool.map(read, range(len(files)))))
    return Squares(
        images,
        [(number, str(reason)) for number, reason in reasons.items() if reason is not None],
        not any(isinstance(reason, Refused) for reason in reasons.values()),
    )
