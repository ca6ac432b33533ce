"""Write a file so that readers see either the old bytes or the new ones, even after a crash."""

import errno
import os
import secrets
from pathlib import Path

from lnlbench.errors import LnlbenchError, RunError, UsageError
from lnlbench.system.temporary import held, remove_abandoned

_TEMPORARY = ".*.tmp"
_OUTPUT = "choose another folder with --output"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}
_IN_THE_WAY = {
    errno.EISDIR: "it is a folder",
    errno.ENOTDIR: "a file lies where its folder would be",
    errno.EEXIST: "a file lies where its folder would be",
}


def write_atomically(path: Path, data: bytes, instead: str = _OUTPUT) -> None:
    """Replace a file's bytes in one step, making its folder when needed.

    `instead` is what a message tells the user to do if the place cannot be written.

    Raises UsageError when the place cannot be written and RunError when the disk is full or
    fails; the earlier file then stays as it was, and no temporary file is left.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned(path.parent, _TEMPORARY)
        while not _written(path, data):
            pass
    except OSError as error:
        raise explain_failure(path, error, instead) from error


def remove_unfinished(folder: Path) -> None:
    """Remove what killed processes have left of writes into this folder."""
    remove_abandoned(folder, _TEMPORARY)


def _written(path: Path, data: bytes) -> bool:
    """Write the file; False when another process has taken the temporary file for abandoned."""
    # In the same folder, because a rename is atomic only within one file system.
    temporary = path.parent / _TEMPORARY.replace("*", secrets.token_hex(8))
    try:
        # Not tempfile: its files are private to the user, whatever the umask says.
        with temporary.open("xb") as file, held(temporary) as there:
            if not there:
                return False
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            temporary.replace(path)
    except FileNotFoundError:
        if path.parent.is_dir() and not temporary.exists():
            return False
        raise
    finally:
        temporary.unlink(missing_ok=True)
    return True


def explain_failure(path: Path, error: OSError, instead: str = _OUTPUT) -> LnlbenchError:
    """An error that says what the user can do when a file or folder could not be written.

    `instead` is the last of these things.
    """
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        return RunError(
            f"Cannot write {path}: {reason}. Any earlier file there is unchanged. "
            f"Free some space, or {instead}, and run the command again."
        )
    if error.errno in _IN_THE_WAY:
        found = _IN_THE_WAY[error.errno]
        return UsageError(f"Cannot write {path}: {found}. Move it away, or {instead}.")
    if error.errno in _REFUSED:
        return UsageError(f"Cannot write {path}: {reason}. Make the folder writable, or {instead}.")
    return RunError(
        f"Cannot write {path}: {reason}. Any earlier file there is unchanged. "
        f"Check the disk, or {instead}, and run the command again."
    )
