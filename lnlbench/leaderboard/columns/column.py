"""A column of a table: what it is called, and what it says of a row."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

Value = str | int | float | None
Of = TypeVar("Of")


@dataclass(frozen=True)
class Column(Generic[Of]):
    """A column. People read `head` and `cell`, programs read `key` and `value`.

    `long` is the heading where there is room for it, `explanation` what a reader may ask. `shown`
    is when the page shows the column: "always", "wide" (not on a phone) or "all" (only when all
    columns are asked for). `lowest_first` is how a reader wants it sorted. A column that is
    `optional` is left out of a table in which no row has a value for it. `muted` says that nothing
    may be concluded from it.
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
