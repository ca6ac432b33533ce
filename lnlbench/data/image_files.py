"""Images in files, in the place of a tensor that would not fit in memory."""

from __future__ import annotations

import hashlib
import os
from array import array
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lnlbench.errors import DataError

_LONGEST_REASON = 500
Decode = Callable[[Path], NDArray[np.uint8]]


class ImageFiles:
    """Stands for images uint8 [N, C, H, W], each of which is read from its file when asked for.

    `decode` makes a file an array uint8 [C, H, W] of `image_shape`, the same every time, and raises
    an error of any class where it cannot; other processes call it too, so that it must be
    importable by its name. `rule` says in words what it does, and with which version of
    what. Memory: the bytes of the paths, and 8 a file.
    """

    dtype = torch.uint8
    ndim = 4

    def __init__(
        self,
        files: Iterable[str | bytes | os.PathLike[str]],
        decode: Decode,
        image_shape: tuple[int, int, int],
        rule: str,
    ) -> None:
        # One buffer, not objects: forked processes share it, where each use of an object is a
        # write that copies its page.
        paths, ends = bytearray(), array("q")
        for file in files:
            paths += os.fsencode(file)
            ends.append(len(paths))
        self._paths = bytes(paths)
        self._ends = np.array(ends)
        self._decode = decode
        self._image_shape = image_shape
        self.rule = rule

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def shape(self) -> torch.Size:
        """As of the tensor: [N, C, H, W]."""
        return torch.Size((len(self), *self._image_shape))

    def file(self, row: int) -> Path:
        """The file of a row from 0."""
        return Path(os.fsdecode(self._path(row)))

    def _path(self, row: int) -> bytes:
        begin = int(self._ends[row - 1]) if row else 0
        return self._paths[begin : int(self._ends[row])]

    def __getitem__(self, rows: slice | Tensor) -> ImageFiles:
        """The files of some rows, a slice or int64 [M]; nothing is read."""
        chosen = np.arange(len(self))[rows if isinstance(rows, slice) else rows.numpy()]
        paths = (self._path(int(row)) for row in chosen)
        return ImageFiles(paths, self._decode, self._image_shape, self.rule)

    def read(self, rows: Iterable[int] | None = None) -> Tensor:
        """The images of some rows, or of all; uint8 [M, C, H, W].

        Raises:
            DataError: a file is missing or unreadable; names it.
        """
        chosen = range(len(self)) if rows is None else rows
        images = [torch.from_numpy(self._read(self.file(row))) for row in chosen]
        return torch.stack(images) if images else torch.empty(0, *self._image_shape).byte()

    def _read(self, file: Path) -> NDArray[np.uint8]:
        try:
            image = self._decode(file)
        except Exception as error:  # a decoder may raise anything, and it concerns this file alone
            said = (error.strerror if isinstance(error, OSError) else None) or str(error)
            reason = said[:_LONGEST_REASON] or type(error).__name__
            raise DataError(
                f"Cannot read the image {file}: {reason}. Put it back as it was; a run that it has "
                "ended continues from its last checkpoint with --resume."
            ) from error
        if image.shape != self._image_shape or image.dtype != np.uint8:
            raise DataError(
                f"The image {file} was decoded to {image.dtype} {list(image.shape)}, not uint8 "
                f"{list(self._image_shape)}: a mistake of what provides the data set."
            )
        return np.ascontiguousarray(image)

    def identity(self) -> str:
        """A digest of the rule and of each file's path, size and time of change; reads no file.

        Raises:
            DataError: a file is missing.
        """
        digest = hashlib.sha256(f"{self.rule} {self._image_shape}\n".encode())
        for row in range(len(self)):
            file = self.file(row)
            try:
                facts = file.stat()
            except OSError as error:
                raise DataError(f"Cannot read the image {file}: {error.strerror}.") from error
            digest.update(os.fsencode(file) + f"\0{facts.st_size} {facts.st_mtime_ns}\n".encode())
        return digest.hexdigest()


Images = Tensor | ImageFiles


def read_rows(images: Images, rows: slice | Tensor) -> Tensor:
    """Some rows of either kind of images, a slice or int64 [M]; uint8 [M, C, H, W]."""
    if isinstance(images, Tensor):
        return images[rows]
    return images[rows].read()
