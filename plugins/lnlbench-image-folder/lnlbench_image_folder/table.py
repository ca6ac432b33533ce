"""The images that a table names, with their labels."""

# ruff: noqa: PTH110, PTH116, PTH118, PTH119, PTH120
# File names are texts here, not Paths: there may be millions of them

import difflib
import os
import stat
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from lnlbench.data.table_file import read_table
from lnlbench.errors import DataError
from lnlbench.system.cells import unguarded
from lnlbench_image_folder.listing import Sample

COLUMNS = ("path", "label", "clean_label", "split")
_DECISION = "decision"  # written by an audit
_SHOWN = 200


def list_table(root: Path, table: Path) -> list[Sample]:
    """The images that a table names, in its order; its columns are COLUMNS and what an audit adds.

    Raises:
        DataError: the table cannot be read, lacks a column or a value, or names a file twice or
            one that is missing.
    """
    table = table if table.is_absolute() else root / table
    rows = _rows(table)
    samples: list[Sample] = []
    seen: dict[str, int] = {}
    real_folder = cache(os.path.realpath)
    for number, row in enumerate(rows, start=2):
        where = f"{table}, row {number}"
        for column in ("path", "label"):
            if row[column] is None:
                raise DataError(f"{where}: no {column}.")
        split = row.get("split") or "train"
        if split not in ("train", "test"):
            raise DataError(f"{where}: split is {split!r}. Write train or test.")
        file = _file(root, str(row["path"]))
        refusal = _refusal(file)
        if refusal:
            raise DataError(f"{where}: {refusal}. Paths are relative to root, {root}.")
        place = os.path.join(real_folder(os.path.dirname(file)), os.path.basename(file))
        if place in seen:
            raise DataError(f"{where}: {row['path']} is in row {seen[place]} already.")
        seen[place] = number
        clean = row.get("clean_label")
        # Rows of one class share the text of its name.
        label, clean = sys.intern(str(row["label"])), None if clean is None else sys.intern(clean)
        decision = sys.intern(row[_DECISION] or "") if _DECISION in row else None
        samples.append(Sample(file, label, split, clean, decision))
    _check_clean(samples, table)
    return samples


def _file(root: Path, path: str) -> str:
    """The file that a path names, which may have backslashes between folders as on Windows."""
    file = str(root / path)
    if "\\" in path and not os.path.exists(file):
        return str(root / path.replace("\\", "/"))
    return file


def _refusal(file: str) -> str:
    """What is wrong with a path that should name a file; empty if it does."""
    shown = file if len(file) <= _SHOWN else f"{file[:_SHOWN]}…"
    try:
        return "" if stat.S_ISREG(os.stat(file).st_mode) else f"{shown} is not a file"
    except FileNotFoundError:
        return f"{shown} is not a file"
    except (OSError, ValueError) as error:  # a ValueError if it holds a zero byte
        return f"{shown} cannot be read ({getattr(error, 'strerror', None) or error})"


def _rows(table: Path) -> Iterator[dict[str, str | None]]:
    refusal = _refusal(str(table))
    if refusal:
        raise DataError(f"Cannot read the table: {refusal}. Name an existing file.")
    frame = read_table(table)
    names = list(frame.columns)
    for column in COLUMNS:
        near = difflib.get_close_matches(column, names, n=1, cutoff=0.8)
        if column not in names and (near or column in COLUMNS[:2]):
            guess = f" Is {near[0]!r} meant?" if near else ""
            raise DataError(
                f"{table} has no column {column!r}.{guess} Its columns: {', '.join(names)}. "
                "Needed: path, label; understood: clean_label, split."
            )
    # Only tables that an audit wrote have guarded cells.
    read = _guarded_text if "given_label" in names else _text
    kept = [name for name in names if name in (*COLUMNS, _DECISION)]
    values = frame[kept].astype(object).itertuples(index=False)
    return (dict(zip(kept, map(read, row), strict=True)) for row in values)


def _text(value: Any) -> str | None:
    """A cell's text; None if it is empty (NaN is the only value that differs from itself)."""
    return None if value is None or value != value or value == "" else str(value)


def _guarded_text(value: Any) -> str | None:
    text = _text(value)
    return None if text is None else unguarded(text)


def _check_clean(samples: list[Sample], table: Path) -> None:
    train = [sample for sample in samples if sample.split == "train"]
    without = [sample for sample in train if sample.clean is None]
    if without and len(without) < len(train):
        raise DataError(
            f"{table}: {len(without):,} of {len(train):,} training images have no clean_label "
            f"(the first: {Path(without[0].file).name}). Give it for all, or leave the column out."
        )
