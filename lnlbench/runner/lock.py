"""The lock of a run's directory: the process that executes the run holds it.

The system releases the lock when that process ends, in whatever way.
"""

from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from lnlbench.errors import HeldError

_PATIENCE_SECONDS = 0.2


def directory_lock(path: Path) -> FileLock:
    """The lock of a run's directory; acquiring it raises Timeout if another process has it."""
    return FileLock(path / ".lock", timeout=0)


def take_directory(path: Path) -> FileLock:
    """Acquire the lock of the run in this directory; the caller has to release it.

    Raises:
        HeldError: another process executes the run.
        OSError: the directory cannot be written.
    """
    lock = directory_lock(path)
    try:
        # `lnlbench status` takes the lock for an instant.
        lock.acquire(timeout=_PATIENCE_SECONDS)
    except Timeout as error:
        raise HeldError(
            f"{path} is in use: another process executes this run. Wait for it, or stop it."
        ) from error
    return lock


def is_held(path: Path) -> bool:
    """Whether a process executes the run in this directory; takes the lock for an instant."""
    if not (path / ".lock").exists():
        return False
    try:
        with directory_lock(path):
            return False
    except Timeout:
        return True
    except OSError:  # the folder is read-only
        return False


def wait_until_free(path: Path, seconds: float) -> None:
    """Wait until no process holds a run's directory, at most for the given time."""
    path.mkdir(parents=True, exist_ok=True)
    with suppress(Timeout), directory_lock(path).acquire(timeout=seconds):
        pass
