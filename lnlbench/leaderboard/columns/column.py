"""A column of a table: its heading, and what it shows for a row."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

Value = str | int | float | None
Of = TypeVar("Of")


@dataclass(frozen=True)
class Column(Generic[Of]):
    """A column. People read `head` and `cell`, programs read `key` and `value`.

    `long` is the heading if there is room for it, and `explanation` answers a reader's question.
    `shown` says when the page shows the column: "always", "wide" (not on a phone) or "all" (only
    when a reader asks for all columns). With `lowest_first`, sorting begins with the lowest value.
    A table leaves out an `optional` column if no row has a value for it. `muted` says that readers
    must not conclude anything from the column.
    """

    head: str
    cell: Callable[[Of], str]
    value: Callable[[Of], Value]
    key: str = ""
    numeric: bool = False
    long: str = ""
    explanation: str = ""
    shown: Literal["always", "wide", "all"] = "all"
    lowest_first: bool = False
    optional: bool = False
    muted: bool = False


def with_values(columns: Sequence[Column[Of]], rows: Iterable[Of]) -> tuple[Column[Of], ...]:
    """These columns without the optional ones for which no row has a value."""
    rows = list(rows)
    return tuple(
        column
        for column in columns
        if not column.optional or any(column.value(row) is not None for row in rows)
    )
