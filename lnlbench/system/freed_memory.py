"""Keep freed memory in this process, so that the system does not clear the same pages at each step.

glibc returns large freed blocks to the system at once. The next step then takes new pages, and the
kernel fills each of them with zeros: without this module that is half of the time of a network's
passes on a CPU. Sources: mallopt(3) and malloc_trim(3) of the Linux manual.
"""

import ctypes
import os
import sys

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # M_TRIM_THRESHOLD and M_MMAP_MAX of malloc.h
_NEVER = -1


def keep_freed_memory() -> bool:
    """Let this process reuse the memory that it frees; returns whether its allocator can do that.

    Only glibc needs it and has it. If environment variables already set glibc's allocator, they
    decide, and this changes nothing.
    """
    glibc = _glibc()
    if glibc is None or _chosen_by_the_user():
        return False
    # Blocks from mmap go back to the system as soon as they are freed; blocks of the heap need not.
    return bool(glibc.mallopt(_MMAP_MAX, 0) and glibc.mallopt(_TRIM_THRESHOLD, _NEVER))


def return_freed_memory() -> None:
    """Return to the system what is free just now, so that a run does not count another's memory."""
    glibc = _glibc()
    if glibc is not None:
        glibc.malloc_trim(0)


def page_faults() -> int:
    """How many pages of memory this process has been given so far; 0 if the system counts none."""
    try:
        import resource
    except ImportError:  # there is no such module on Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def _glibc() -> ctypes.CDLL | None:
    """The C library of this process; None if it is not glibc."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None


def _chosen_by_the_user() -> bool:
    tunables = os.environ.get("GLIBC_TUNABLES", "")
    return "glibc.malloc." in tunables or any(name.startswith("MALLOC_") for name in os.environ)
