"""Cells of CSV files with foreign text: no spreadsheet runs them, and readers get the text back."""

import re

# A spreadsheet takes a text that begins so for a formula.
_RISKY = re.compile(r"'*[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def guarded(text: str) -> str:
    """The text, with an apostrophe before it if a spreadsheet would run it as a formula."""
    risky = _RISKY.match(text) and not _NUMBER.fullmatch(text)
    return f"'{text}" if risky else text


def unguarded(cell: str) -> str:
    """The text of a cell that `guarded` has written."""
    bare = cell.removeprefix("'")
    return bare if guarded(bare) == cell else cell
