"""How much memory programs can still take on this machine."""

from contextlib import suppress
from pathlib import Path

_MEMORY = Path("/proc/meminfo")
# The limit of a container: control groups v2 and v1.
_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def available_memory() -> int | None:
    """Bytes that programs can still take; None where the system does not say.

    Never more than the limit of a container, which the system around it knows nothing of.
    """
    if not _MEMORY.exists():
        return None
    lines = _MEMORY.read_text().splitlines()
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    for limit in _LIMITS:
        with suppress(OSError, ValueError):  # there is none, or it is the word "max"
            found.append(int(limit.read_text()))
    return min(found, default=None)
