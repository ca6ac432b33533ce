"""Who may read data sets: a check of a method refuses all reading while the method trains."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_refusals: list[Callable[[str], None]] = []


def announce_reading(name: str) -> None:
    """Announce that a data set is about to be read; every function that reads one calls this first.

    Raises:
        Exception: a refusal is in force; the exception is the one that it raises.
    """
    for refuse in _refusals:
        refuse(name)


@contextmanager
def reading_refused(refuse: Callable[[str], None]) -> Iterator[None]:
    """Until the block ends, call `refuse` with the name of each data set before it is read."""
    _refusals.append(refuse)
    try:
        yield
    finally:
        _refusals.remove(refuse)
