"""Temporary files and folders with an owner: what a killed process leaves can be told and removed.

The owner holds a lock on what it writes, which the system takes back when the process ends, however
it ends.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows removes nothing that a process has open
    fcntl = None  # type: ignore[assignment]


@contextmanager
def held(path: Path) -> Iterator[bool]:
    """Hold a file or folder for as long as the block runs; gives whether it is still there."""
    if fcntl is None:
        yield True
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems have no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield os.fstat(descriptor).st_nlink > 0
    finally:
        os.close(descriptor)


@contextmanager
def temporary_folder(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """A new folder in `parent`, or where the system keeps such; removed after the block.

    Those of the same prefix that killed processes have left are removed too. The block may rename
    the folder to keep it.
    """
    place = Path(tempfile.gettempdir()) if parent is None else parent
    remove_abandoned(place, f"{prefix}*")
    while True:
        with ExitStack() as stack:
            made = tempfile.TemporaryDirectory(prefix=prefix, dir=place, ignore_cleanup_errors=True)
            folder = Path(stack.enter_context(made))
            try:
                there = stack.enter_context(held(folder))
            except FileNotFoundError:
                continue  # another process has taken it for abandoned
            if there:
                yield folder
                return


def remove_abandoned(folder: Path, pattern: str) -> None:
    """Remove the temporary files and folders of that pattern that no process holds."""
    for path in folder.glob(pattern):
        with suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
            try:
                if fcntl is not None:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
            finally:
                os.close(descriptor)
