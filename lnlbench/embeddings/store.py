"""One array of features on disk that grows chunk by chunk and survives a killed process."""

import io
import math
import os
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from lnlbench.data.location import ANOTHER_CACHE
from lnlbench.embeddings.plan import CHUNK
from lnlbench.errors import DataError
from lnlbench.system.atomic import explain_failure

_DTYPE = np.dtype("<f2")
_SHAPE = re.compile(rb"'shape': \(\d{1,18}, (\d{1,9}(?:, \d{1,9}){0,3})\)")
_HEADER_BYTES = 128


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a folder, which is made if needed, while the block fills parts in it.

    Two processes that fill one part would both append to its file. The second one waits.

    Raises:
        UsageError: the folder cannot be written.
        RunError: the disk is full or fails.
    """
    lock = FileLock(folder / ".lock")
    with _failures_explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            sys.stderr.write(f"Another process is making the features in {folder}: waiting.\n")
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


class Part:
    """Features float16 [count, D] or maps [count, ...], with the CRC-32 of each chunk.

    The features are in `NAME.npy`, and the checksums in `NAME.crc32`.

    The bytes of a chunk are written first, then its checksum; the chunk counts once both are there.
    """

    def __init__(self, folder: Path, name: str, count: int) -> None:
        self.file = folder / f"{name}.npy"
        self.journal = folder / f"{name}.crc32"
        self.name = name
        self.count = count
        self.chunks = -(-count // CHUNK)

    def verified_chunks(self) -> int:
        """How many chunks, counted from the first, are undamaged on disk; reads all of them.

        Raises:
            DataError: a file is there and cannot be read.
        """
        try:
            return self._undamaged()
        except OSError as error:
            raise DataError(
                f"Cannot read the cached features {self.file}: {error.strerror or error}. "
                f"Make the file readable, or {ANOTHER_CACHE}."
            ) from error

    def _undamaged(self) -> int:
        if not (self.file.exists() and self.journal.exists()):
            return 0
        checksums = self.journal.read_text(encoding="ascii", errors="replace").splitlines()
        size = self.file.stat().st_size
        with self.file.open("rb") as stream:
            shape = self._read_header(stream)
            if shape is None:
                return 0
            for chunk, checksum in enumerate(checksums[: self.chunks]):
                length = self._rows(chunk) * math.prod(shape) * _DTYPE.itemsize
                if length > size:
                    return chunk
                data = stream.read(length)
                if f"{zlib.crc32(data):08x}" != checksum:
                    return chunk
        return min(len(checksums), self.chunks)

    def complete(self) -> bool:
        """Whether the whole array is on disk, undamaged."""
        return self.verified_chunks() == self.chunks

    def open(self) -> np.ndarray:
        """The array, memory-mapped copy-on-write: changes to it never reach the file."""
        return np.load(self.file, mmap_mode="c", allow_pickle=False)

    def fill(self, compute: Callable[[int, int], np.ndarray], done: Callable[[int], None]) -> None:
        """Compute rows start..stop-1 chunk by chunk from the first that is missing.

        `done` is called with the number of rows once before the first chunk and after each one.
        The caller holds the lock of the folder.

        Raises:
            UsageError: the files cannot be written.
            RunError: the disk is full or fails.
        """
        first = self.verified_chunks()
        with _failures_explained(self.file):
            self._cut(first)
        done(min(first * CHUNK, self.count))
        for chunk in range(first, self.chunks):
            start = chunk * CHUNK
            rows = np.ascontiguousarray(compute(start, start + self._rows(chunk)), _DTYPE)
            header = b"" if chunk else _header(self.count, rows.shape[1:])
            with _failures_explained(self.file):
                _append(self.file, header, rows.data)
                _append(self.journal, f"{zlib.crc32(rows.data):08x}\n".encode())
            done(start + len(rows))

    def _cut(self, chunks: int) -> None:
        """Keep the first chunks, and drop the torn or damaged rest."""
        if not chunks:
            self.file.write_bytes(b"")
            self.journal.write_bytes(b"")
            return
        with self.file.open("r+b") as stream:
            shape = self._read_header(stream)
            assert shape is not None
            rows = sum(self._rows(chunk) for chunk in range(chunks))
            stream.truncate(stream.tell() + rows * math.prod(shape) * _DTYPE.itemsize)
        checksums = self.journal.read_text(encoding="ascii", errors="replace").splitlines()[:chunks]
        self.journal.write_text("".join(f"{each}\n" for each in checksums), encoding="ascii")

    def _rows(self, chunk: int) -> int:
        return min(CHUNK, self.count - chunk * CHUNK)

    def _read_header(self, stream: io.BufferedIOBase) -> tuple[int, ...] | None:
        """The shape of a row, with the stream left at the first row; None for a foreign header."""
        # Not numpy's reader: it evaluates what stands there. Each header has one spelling alone.
        found = _SHAPE.search(stream.read(_HEADER_BYTES))
        if found is None:
            return None
        shape = tuple(map(int, found[1].split(b", ")))
        header = _header(self.count, shape)
        stream.seek(0)
        return shape if stream.read(len(header)) == header else None


def _header(count: int, row: tuple[int, ...]) -> bytes:
    buffer = io.BytesIO()
    description = {"descr": _DTYPE.str, "fortran_order": False, "shape": (count, *row)}
    np.lib.format.write_array_header_1_0(buffer, description)
    return buffer.getvalue()


def _append(file: Path, *contents: bytes | memoryview) -> None:
    with file.open("ab") as stream:
        for content in contents:
            stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


@contextmanager
def _failures_explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise explain_failure(path, error, ANOTHER_CACHE) from error
