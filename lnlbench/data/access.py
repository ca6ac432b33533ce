"""Who may read data sets: a check of a method refuses all reading while the method trains."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_refusals: list[Callable[[str], None]] = []


def announce_reading(name: str) -> None:
    """Say that a data set is about to be read; every function that reads one calls this first.

    Raises:
        Exception: what a refusal in force raises.
    """
    for refuse in _refusals:
        refuse(name)


@contextmanager
def reading_refused(refuse: Callable[[str], None]) -> Iterator[None]:
    """Until the end of the block, `refuse` is called with the name of each data set to be read."""
    _refusals.append(refuse)
    try:
        yield
    finally:
        _refusals.remove(refuse)
