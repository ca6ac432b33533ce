"""Listings in columns, in which no name is ever cut, on a terminal of any width and in a pipe."""

import shutil
import sys
from collections.abc import Sequence
from itertools import zip_longest
from textwrap import wrap

from lnlbench.system.text import printable

GAP = "  "
INDENT = "    "


def print_listing(
    headings: Sequence[str], rows: Sequence[Sequence[object]], title: str = ""
) -> None:
    """Print rows below their headings, as wide as the terminal; one line a row in a pipe."""
    width = terminal_width()
    lines = [*_fold(printable(title), width or len(title)), *listing(headings, rows, width)]
    sys.stdout.write("\n".join(lines) + "\n")


def terminal_width() -> int | None:
    """The characters in a line of the terminal; None in a pipe or a file, which have no limit."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def listing(
    headings: Sequence[str], rows: Sequence[Sequence[object]], width: int | None
) -> list[str]:
    """The lines of a listing; cells are folded between words alone.

    Where the longest words of the columns do not fit beside each other, every row becomes a block:
    its first cell, and the others below it. Headings that are all empty are left out.
    """
    table = [[printable(cell) for cell in row] for row in rows]
    if any(headings):
        table.insert(0, list(headings))
    if not table:
        return []
    columns = list(zip(*table, strict=True))
    natural = [max(map(len, column)) for column in columns]
    if width is None:
        widths: list[int] | None = natural
    else:
        needed = [max(map(_longest_word, column)) for column in columns]
        widths = _share(natural, needed, width - len(GAP) * (len(columns) - 1))
    if widths is None:
        return _blocks(headings, table[1:] if any(headings) else table, width or 0)
    right = [_are_numbers(column[1:] if any(headings) else column) for column in columns]
    return [line for row in table for line in _in_columns(row, widths, right)]


def _longest_word(cell: str) -> int:
    return max(map(len, cell.split()), default=0)


def _are_numbers(cells: Sequence[str]) -> bool:
    """Whether these cells are aligned at their ends; '-' stands for a number that is missing."""
    plain = [cell.replace(",", "").replace(".", "") for cell in cells]
    return any(map(str.isdigit, plain)) and all(text.isdigit() or text == "-" for text in plain)


def _share(natural: Sequence[int], needed: Sequence[int], width: int) -> list[int] | None:
    """The width of each column, where the widest give way first; None if words do not fit."""
    if sum(needed) > width:
        return None
    widths, limit = list(natural), max(natural)
    while sum(widths) > width:
        limit -= 1
        widths = [max(least, min(most, limit)) for most, least in zip(natural, needed, strict=True)]
    return widths


def _fold(text: str, width: int) -> list[str]:
    return wrap(text, max(width, 1), break_long_words=False, break_on_hyphens=False)


def _in_columns(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> list[str]:
    folded = [_fold(cell, width) for cell, width in zip(row, widths, strict=True)]
    lines = []
    for parts in zip_longest(*folded, fillvalue=""):
        cells = [
            part.rjust(width) if number else part.ljust(width)
            for part, width, number in zip(parts, widths, right, strict=True)
        ]
        lines.append(GAP.join(cells).rstrip())
    return lines


def _blocks(headings: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    lines = []
    for first, *others in rows:
        lines += _fold(first, width) or [first]
        facts = [
            f"{heading}: {cell}" if heading else cell
            for heading, cell in zip(headings[1:], others, strict=True)
            if cell not in ("", "-")
        ]
        lines += [f"{INDENT}{line}" for line in _fold("; ".join(facts), width - len(INDENT))]
    return lines
