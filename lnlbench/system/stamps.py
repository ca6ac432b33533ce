"""Stamps of files, by which a later process sees whether any of them has changed."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

Stamps = dict[str, tuple[int, int, int]]


def stamps(files: Iterable[str]) -> Stamps:
    """The times of change in nanoseconds, and the size, of each file that exists.

    The second time is the inode's, which a program that copies files with their times cannot set.
    """
    found = {}
    for file in files:
        try:
            status = os.stat(file)  # noqa: PTH116 - thousands of files, and Path takes longer
        except OSError:
            continue
        found[file] = (status.st_mtime_ns, status.st_ctime_ns, status.st_size)
    return found


def files_below(folder: str) -> list[str]:
    """All files below a folder, without those that Python keeps of compiled modules."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        found += [f"{place}{os.sep}{name}" for name in names]
    return sorted(found)


def loaded_files() -> list[str]:
    """The files of all modules that this process has imported, without the standard library's."""
    standard = str(Path(os.__file__).parent)
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    return sorted(
        file
        for file in files
        if isinstance(file, str) and ("site-packages" in file or not file.startswith(standard))
    )
