"""The lock of a run's directory: held by the process that executes the run.

The system lets go of it when that process ends, however it ends.
"""

from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from lnlbench.errors import HeldError


def directory_lock(path: Path) -> FileLock:
    """The lock of the run in this directory; taking it raises Timeout when another has it."""
    return FileLock(path / ".lock", timeout=0)


def take_directory(path: Path) -> FileLock:
    """The lock of the run in this directory, taken: to be released.

    Raises:
        HeldError: another process executes the run.
        OSError: the directory cannot be written.
    """
    lock = directory_lock(path)
    try:
        lock.acquire()
    except Timeout as error:
        raise HeldError(
            f"{path} is in use: another process executes this run. Wait for it, or stop it."
        ) from error
    return lock


def wait_until_free(path: Path, seconds: float) -> None:
    """Wait for the process that holds a run's directory, if one does, but no longer than that."""
    path.mkdir(parents=True, exist_ok=True)
    with suppress(Timeout), directory_lock(path).acquire(timeout=seconds):
        pass
