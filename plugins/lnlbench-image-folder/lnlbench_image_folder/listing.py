"""Which images there are, with which labels: from folders, or from a table."""

# ruff: noqa: PTH112, PTH114, PTH116, PTH118, PTH119, PTH120, PTH208
# File names are texts here, not Paths: there may be millions of them

import difflib
import hashlib
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from lnlbench.errors import DataError

COLUMNS = ("path", "label", "clean_label", "split")
_IGNORED = ("thumbs.db", "desktop.ini")
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Sample:
    """One image file; `clean` is its right label where that is known, `split` train or test.

    The file is a text, which takes a fifth of a Path: there may be millions.
    """

    file: str
    label: str
    split: str
    clean: str | None = None


def list_folders(root: Path) -> tuple[list[Sample], list[str]]:
    """The images below `root/train/CLASS` and `root/test/CLASS`, in order of their paths.

    Then what lies among them and is no regular file: pipes, sockets, devices.

    Raises:
        DataError: a folder is missing or empty, or links lead round in a circle.
    """
    if not os.path.isdir(root):
        raise DataError(f"{root} is not a folder. Name an existing one: --set-data root=DIR.")
    train = root / "train"
    if not train.is_dir():
        found = ", ".join(_names(root)[:8]) or "nothing"
        raise DataError(
            f"{root} has no folder 'train' (it holds {found}). Put the images into "
            f"{train}/CLASS/, or list them in a table: --set-data table=labels.csv."
        )
    classes = _class_folders(train)
    if len(classes) < 2:
        raise DataError(
            f"{train} has {len(classes)} class folder(s), and learning needs at least two: "
            f"{train}/CLASS/image.png."
        )
    samples = []
    left_out: list[str] = []
    empty = []
    for folder in classes:
        files = list(_files(folder, left_out))
        if not files:
            empty.append(folder.name)
        samples += [Sample(file, folder.name, "train") for file in files]
    if empty:
        raise DataError(
            f"Classes without an image in {train}: {', '.join(empty)}. Add images, or remove the "
            "folders."
        )
    test = root / "test"
    known = {folder.name for folder in classes}
    for folder in _class_folders(test) if test.is_dir() else []:
        if folder.name not in known:
            raise DataError(
                f"{folder} is a class that {train} does not have. Its classes: "
                f"{', '.join(sorted(known)[:20])}."
            )
        samples += [Sample(file, folder.name, "test") for file in _files(folder, left_out)]
    return samples, left_out


def _class_folders(part: Path) -> list[Path]:
    folders = []
    for name in _names(part):
        if _is_hidden(name):
            continue
        entry = part / name
        if not stat.S_ISDIR(_mode(str(entry))):
            raise DataError(
                f"{entry} lies beside the class folders, so its label is unknown. Move it into one."
            )
        if not _is_text(name):
            raise DataError(
                f"The name of the class folder {entry} is not valid UTF-8, so that no result could "
                "hold it. Rename the folder, and the one of the same class beside it."
            )
        folders.append(entry)
    return folders


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes of a file name that are no UTF-8
        return False
    return True


def _names(folder: str | Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError as error:
        raise DataError(f"Cannot list the folder {folder}: {error.strerror}.") from error


@dataclass
class _Walk:
    """A folder whose entries are being visited; `real` is its path without links."""

    path: str
    real: str
    names: Iterator[str]


def _files(folder: Path, left_out: list[str]) -> Iterator[str]:
    """The regular files at any depth, links followed, in order of their paths.

    Pipes, sockets and devices go to `left_out`: reading one could wait for ever.
    """
    walks = [_walk(str(folder), [])]
    while walks:
        name = next(walks[-1].names, None)
        if name is None:
            walks.pop()
            continue
        if _is_hidden(name):
            continue
        entry = os.path.join(walks[-1].path, name)
        mode = _mode(entry)
        if stat.S_ISDIR(mode):
            walks.append(_walk(entry, walks))
        elif stat.S_ISREG(mode):
            yield entry
        else:
            left_out.append(entry)


def _walk(path: str, above: list[_Walk]) -> _Walk:
    real = os.path.realpath(path)
    if any(walk.real == real for walk in above):
        raise DataError(f"The link {path} leads round in a circle, to {real}. Remove it.")
    return _Walk(path, real, iter(_names(path)))


def _mode(entry: str) -> int:
    """The kind of a file, a link's by what it leads to."""
    try:
        return os.stat(entry).st_mode
    except OSError as error:
        if os.path.islink(entry):
            raise DataError(
                f"{entry} is a link that leads nowhere or round in a circle. Remove it."
            ) from error
        raise DataError(f"Cannot read {entry}: {error.strerror}.") from error


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _IGNORED


def list_table(root: Path, table: Path) -> list[Sample]:
    """The images that a table names, in its order; its columns are COLUMNS, others are ignored.

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
        file = str(root / str(row["path"]))
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
        samples.append(Sample(file, label, split, clean))
    _check_clean(samples, table)
    return samples


def _refusal(file: str) -> str:
    """What is wrong with a path that should be of a file; empty where it is one."""
    shown = file if len(file) <= _SHOWN else f"{file[:_SHOWN]}…"
    try:
        return "" if stat.S_ISREG(os.stat(file).st_mode) else f"{shown} is not a file"
    except FileNotFoundError:
        return f"{shown} is not a file"
    except (OSError, ValueError) as error:  # a ValueError where it holds a zero byte
        return f"{shown} cannot be read ({getattr(error, 'strerror', None) or error})"


def _rows(table: Path) -> Iterator[dict[str, str | None]]:
    import pandas as pd

    refusal = _refusal(str(table))
    if refusal:
        raise DataError(f"Cannot read the table: {refusal}. Name it with --set-data table=FILE.")
    try:
        if table.suffix.lower() in (".parquet", ".pq"):
            frame = pd.read_parquet(table)
        else:
            # As text: a class named 007 or NA stays what it is.
            frame = pd.read_csv(table, dtype=str, keep_default_na=False)
    except ImportError as error:
        raise DataError(
            f"Reading {table} needs pyarrow: pip install 'lnlbench-image-folder[parquet]'."
        ) from error
    except Exception as error:  # a parser may raise anything, and it concerns this table
        raise DataError(
            f"Cannot read the table {table}: {str(error)[:_SHOWN] or type(error).__name__}"
        ) from error
    names = [str(name) for name in frame.columns]
    for column in COLUMNS:
        near = difflib.get_close_matches(column, names, n=1, cutoff=0.8)
        if column not in names and (near or column in COLUMNS[:2]):
            guess = f" Is {near[0]!r} meant?" if near else ""
            raise DataError(
                f"{table} has no column {column!r}.{guess} Its columns: {', '.join(names)}. "
                "Needed: path, label; understood: clean_label, split."
            )
    frame.columns = names
    kept = [name for name in names if name in COLUMNS]
    values = frame[kept].astype(object).itertuples(index=False)
    return (dict(zip(kept, map(_text, row), strict=True)) for row in values)


def _text(value: Any) -> str | None:
    """A cell's text; None where it is empty (NaN is the only value that differs from itself)."""
    return None if value is None or value != value or value == "" else str(value)


def _check_clean(samples: list[Sample], table: Path) -> None:
    train = [sample for sample in samples if sample.split == "train"]
    without = [sample for sample in train if sample.clean is None]
    if without and len(without) < len(train):
        raise DataError(
            f"{table}: {len(without):,} of {len(train):,} training images have no clean_label "
            f"(the first: {Path(without[0].file).name}). Give it for all of them, or for none."
        )


def hold_out(samples: list[Sample], root: Path, share: float | None) -> list[Sample]:
    """The samples with a test split: their own, or `share` of them, the same on every machine.

    Raises:
        DataError: there is none, or there are two.
    """
    has_test = any(sample.split == "test" for sample in samples)
    if has_test and share is not None:
        raise DataError(
            "These data have a test split of their own, and test_share asks for another. Leave "
            "test_share out."
        )
    if not has_test and share is None:
        raise DataError(
            f"{root} has no test images. Put some into {root}/test/CLASS/ (or give rows of the "
            "table split=test), or hold some out: --set-data test_share=0.2."
        )
    if share is None:
        return samples
    return [
        replace(sample, split="test") if _position(Path(sample.file), root) < share else sample
        for sample in samples
    ]


def _position(file: Path, root: Path) -> float:
    """A number in [0, 1) that depends on the path below root alone."""
    name = file.relative_to(root).as_posix() if file.is_relative_to(root) else file.as_posix()
    return (
        int.from_bytes(hashlib.sha256(name.encode(errors="surrogateescape")).digest()[:6]) / 2**48
    )


def class_names(samples: list[Sample]) -> tuple[str, ...]:
    """All labels, numbers by their value and other names by the alphabet."""
    labels = {sample.label for sample in samples}
    labels |= {sample.clean for sample in samples if sample.clean is not None}
    if all(label.isdecimal() for label in labels):
        return tuple(sorted(labels, key=lambda label: (int(label), label)))
    return tuple(sorted(labels))
