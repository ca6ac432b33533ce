"""The limits of a run as a user writes them: a time, and a size of memory."""

from datetime import timedelta
from typing import Any

from pydantic import ByteSize, TypeAdapter, ValidationError

from lnlbench.errors import UsageError
from lnlbench.sweep.process import Limits, memory_is_measurable


def parse_limits(time_limit: str | None, memory_limit: str | None) -> Limits:
    """The limits that `--time-limit` and `--memory-limit` say.

    Raises:
        UsageError: a limit cannot be read, or memory cannot be measured on this machine.
    """
    return Limits(_seconds(time_limit), _bytes(memory_limit))


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    found: float | timedelta | None = _parsed(text, float | timedelta)
    seconds = found.total_seconds() if isinstance(found, timedelta) else found
    if seconds is None or not 0 < seconds < float("inf"):
        raise UsageError(
            f"--time-limit was given {text!r}. Give seconds, or HH:MM:SS, such as 01:30:00."
        )
    return seconds


def _bytes(text: str | None) -> int | None:
    if text is None:
        return None
    if not memory_is_measurable():
        raise UsageError(
            "--memory-limit needs Linux's /proc, which is not here. Leave it out; --jobs says how "
            "many runs share the memory."
        )
    size: ByteSize | None = _parsed(text, ByteSize)
    if not size or size < 0:
        raise UsageError(f"--memory-limit was given {text!r}. Give a size, such as 4GiB.")
    return size


def _parsed(text: str, kind: Any) -> Any:
    """The quantity that pydantic reads; None when it reads none."""
    try:
        return TypeAdapter(kind).validate_python(text)
    except ValidationError:
        return None
