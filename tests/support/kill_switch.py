"""Kills a command at its N-th change of a folder's files, whichever of its processes makes it.

The module is also copied as `sitecustomize.py`, so that the processes that a command starts obey
the same switch. It imports nothing that costs time.
"""

import os
import signal
import sys
from pathlib import Path

FOLDER, COUNTER, AT, LEADER = (f"KILL_SWITCH_{each}" for each in ("FOLDER", "FILE", "AT", "LEADER"))
_MAKING = {"os.mkdir"}
_CHANGES = {"os.remove", "os.rename", "os.rmdir", "os.symlink", *_MAKING}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def arm() -> None:
    """Count this process's changes in a file, and kill the group of LEADER just before the N-th."""
    if FOLDER not in os.environ:
        return
    folder = os.environ[FOLDER] + os.sep
    at, leader = int(os.environ[AT]), int(os.environ[LEADER])
    counter = os.open(os.environ[COUNTER], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def watch(event, arguments):
        if not _changes(event, arguments, folder):
            return
        os.write(counter, b".")
        if os.lseek(counter, 0, os.SEEK_CUR) == at:
            os.killpg(leader, signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)  # a run of a sweep is a group of its own

    sys.addaudithook(watch)


def _changes(event, arguments, folder: str) -> bool:
    """Whether an audit event announces a change below the folder."""
    if event not in _CHANGES and event != "open":
        return False
    if isinstance(arguments[0], int):
        return False
    path = Path(os.fsdecode(arguments[0])).absolute()
    if not str(path).startswith(folder):
        return False
    if event == "open":
        return bool(arguments[2] & _WRITING) and not path.is_dir()
    # To make a folder that is there, or to remove a file that is not, changes nothing.
    return os.path.lexists(path) != (event in _MAKING)


def arm_group(folder: Path, site: Path, counter: Path, at: int) -> None:
    """Make this process the leader of a group that the switch kills; 0 only counts."""
    os.setpgrp()
    os.environ |= {
        FOLDER: str(folder),
        COUNTER: str(counter),
        AT: str(at),
        LEADER: str(os.getpid()),
        "PYTHONPATH": os.pathsep.join((str(site), os.environ["PYTHONPATH"])),
    }
    arm()


def install(site: Path) -> None:
    """Make a folder that arms each Python process that has it on its PYTHONPATH."""
    site.mkdir(parents=True)
    (site / "sitecustomize.py").write_bytes(Path(__file__).read_bytes())


if __name__ == "sitecustomize":
    arm()
