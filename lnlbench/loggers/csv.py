"""Curves of a run as CSV, in the file `curves.csv` of the run's directory: epoch, name, value."""

import csv
from pathlib import Path
from typing import Any

from lnlbench import hookimpl

FILE = "curves.csv"
HEADINGS = ("epoch", "name", "value")


class CsvLogger:
    """Appends a line for every value of every epoch, with epochs counted from 1."""

    def __init__(self) -> None:
        self._file = Path()

    @hookimpl
    def run_started(self, directory: Path, epoch: int) -> None:
        """Begin the file; drops what a killed run logged after its last checkpoint."""
        self._file = directory / FILE
        kept: list[list[str]] = []
        if epoch and self._file.exists():
            with self._file.open(newline="", encoding="utf-8") as file:
                rows = [row for row in csv.reader(file) if len(row) == len(HEADINGS)]
            kept = [row for row in rows if row[0].isdigit() and int(row[0]) <= epoch]
        self._write("w", [HEADINGS, *kept])

    @hookimpl
    def epoch_finished(self, epoch: int, values: dict[str, float | None]) -> None:
        """Append an epoch's values."""
        rows = [(epoch + 1, name, value) for name, value in values.items() if value is not None]
        self._write("a", rows)

    def _write(self, mode: str, rows: list[Any]) -> None:
        with self._file.open(mode, newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
