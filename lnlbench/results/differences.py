"""Say in one line, for a person who has to act on it, how two documents differ."""

from collections.abc import Iterator
from typing import Any

from lnlbench.results.schema import Result

_SHOWN = 4
# Causes come before effects: the scores differ in any case.
_PARTS = ("status", "spec", "method", "scores")


def describe_changes(name: str, old: Any, new: Any) -> str:
    """What changed from one JSON value to another, key by key; empty for equal values."""
    changes = [f"{key} was {one!r}, is {other!r}" for key, one, other in _changes(name, old, new)]
    rest = len(changes) - _SHOWN
    return "; ".join(changes[:_SHOWN]) + (f"; and {rest} more" if rest > 0 else "")


def describe_differences(old: Result, new: Result) -> str:
    """How a new result of a run differs from the one on file."""
    one, other = old.model_dump(), new.model_dump()
    changes = [describe_changes(part, one[part], other[part]) for part in _PARTS]
    return "; ".join(filter(None, changes)) or "the new one has the same spec and scores"


def _changes(name: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _changes(f"{name}.{key}", old.get(key), new.get(key))
    elif old != new:
        yield name, old, new
