"""Images that stay in files, used in place of a tensor that would not fit in memory."""

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
    """Stands in for images uint8 [N, C, H, W]; each image is read from its file when it is needed.

    `decode` turns a file into an array uint8 [C, H, W] of `image_shape`, always the same one. It
    may raise an error of any class when it fails. Other processes call it too, so it must be
    importable by its name. `rule` describes in words what `decode` does, and the library version
    that it uses. Memory: the bytes of the paths, and 8 bytes for each file.
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
        # One buffer, not many objects: forked processes share it. Each use of an object would write
        # its reference count, and so copy its page.
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
        """The shape that the tensor would have: [N, C, H, W]."""
        return torch.Size((len(self), *self._image_shape))

    def file(self, row: int) -> Path:
        """The file of one row; rows count from 0."""
        return Path(os.fsdecode(self._path(row)))

    def _path(self, row: int) -> bytes:
        begin = int(self._ends[row - 1]) if row else 0
        return self._paths[begin : int(self._ends[row])]

    def __getitem__(self, rows: slice | Tensor) -> ImageFiles:
        """The files of some rows (a slice or int64 [M]); reads no file."""
        chosen = np.arange(len(self))[rows if isinstance(rows, slice) else rows.numpy()]
        paths = (self._path(int(row)) for row in chosen)
        return ImageFiles(paths, self._decode, self._image_shape, self.rule)

    def read(self, rows: Iterable[int] | None = None) -> Tensor:
        """The images of some rows, or of all rows; uint8 [M, C, H, W].

        Raises:
            DataError: a file is missing or unreadable; the message names it.
        """
        chosen = range(len(self)) if rows is None else rows
        images = [torch.from_numpy(self._read(self.file(row))) for row in chosen]
        return torch.stack(images) if images else torch.empty(0, *self._image_shape).byte()

    def _read(self, file: Path) -> NDArray[np.uint8]:
        try:
            image = self._decode(file)
        except Exception as error:  # a decoder may raise anything; it means this file alone
            said = (error.strerror if isinstance(error, OSError) else None) or str(error)
            reason = said[:_LONGEST_REASON] or type(error).__name__
            raise DataError(
                f"Cannot read the image {file}: {reason}. Put it back as it was, and "
                "resume the run that it ended at the last checkpoint: --resume RUN_DIR."
            ) from error
        if image.shape != self._image_shape or image.dtype != np.uint8:
            raise DataError(
                f"The image {file} was decoded to {image.dtype} {list(image.shape)}, not uint8 "
                f"{list(self._image_shape)}. Correct the `decode` of the data set's plugin."
            )
        return np.ascontiguousarray(image)

    def identity(self) -> str:
        """A digest of the rule and of each file's path, size and change time; reads no file.

        Raises:
            DataError: a file is missing.
        """
        digest = hashlib.sha256(f"{self.rule} {self._image_shape}\n".encode())
        for row in range(len(self)):
            file = self.file(row)
            try:
                facts = file.stat()
            except OSError as error:
                raise DataError(
                    f"Cannot read the image {file}: {error.strerror}. Put it back as it was."
                ) from error
            digest.update(os.fsencode(file) + f"\0{facts.st_size} {facts.st_mtime_ns}\n".encode())
        return digest.hexdigest()


Images = Tensor | ImageFiles


def read_rows(images: Images, rows: slice | Tensor) -> Tensor:
    """Some rows (a slice or int64 [M]) of either kind of images; uint8 [M, C, H, W]."""
    if isinstance(images, Tensor):
        return images[rows]
    return images[rows].read()
