"""Rows as flat records, for CSV and JSON: numbers stay numbers, accuracies stay fractions."""

import csv
import io
from collections.abc import Sequence

from lnlbench.leaderboard.columns.column import Value, with_values
from lnlbench.leaderboard.columns.layouts import RECORD
from lnlbench.leaderboard.row import Row
from lnlbench.leaderboard.text import plain


def records(rows: Sequence[Row]) -> list[dict[str, Value]]:
    """Each row as column name to value, in column order; all rows have the same columns."""
    columns = with_values(RECORD, rows)
    return [{column.key: _rounded(column.value(row)) for column in columns} for row in rows]


def csv_text(rows: Sequence[Row]) -> str:
    """Rows as CSV with a header line; an undefined value is an empty cell."""
    found = records(rows)
    buffer = io.StringIO()
    columns = list(found[0]) if found else []
    writer = csv.DictWriter(buffer, fieldnames=columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: safe_cell(value) for k, value in cells.items()} for cells in found)
    return buffer.getvalue()


def _rounded(value: Value) -> Value:
    # Six digits, because the last bit may differ between machines.
    return float(f"{value:.6g}") if isinstance(value, float) else value


def safe_cell(value: Value) -> Value:
    """A value as a cell of a CSV file: foreign text on one line, and never a formula."""
    if not isinstance(value, str):
        return value
    text = plain(value)
    # A spreadsheet would run this text as a formula.
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
