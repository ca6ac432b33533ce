"""Which images there are, with which labels: from folders, or from a table."""

import difflib
import hashlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lnlbench.errors import DataError

COLUMNS = ("path", "label", "clean_label", "split")
_IGNORED = ("thumbs.db", "desktop.ini")


@dataclass(frozen=True, slots=True)
class Sample:
    """One image file; `clean` is its right label where that is known, `split` train or test.

    The file is a text, which takes a fifth of a Path: there may be millions.
    """

    file: str
    label: str
    split: str
    clean: str | None = None


def list_folders(root: Path) -> list[Sample]:
    """The images below `root/train/CLASS` and `root/test/CLASS`, in order of their paths.

    Raises:
        DataError: a folder is missing or empty, or links lead round in a circle.
    """
    if not root.is_dir():
        raise DataError(f"{root} is not a folder. Name an existing one: --set-data root=DIR.")
    train = root / "train"
    if not train.is_dir():
        found = ", ".join(sorted(each.name for each in root.iterdir())[:8]) or "nothing"
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
    empty = []
    for folder in classes:
        files = list(_files(folder))
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
        samples += [Sample(file, folder.name, "test") for file in _files(folder)]
    return samples


def _class_folders(part: Path) -> list[Path]:
    folders = []
    for entry in sorted(part.iterdir()):
        if _is_hidden(entry):
            continue
        if not entry.is_dir():
            raise DataError(
                f"{entry} lies beside the class folders, so its label is unknown. Move it into one."
            )
        folders.append(entry)
    return folders


def _files(folder: Path, above: tuple[Path, ...] = ()) -> Iterator[str]:
    """The files at any depth, links followed, in order of their paths."""
    try:
        real = folder.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise DataError(f"{folder} is a link that leads nowhere or to itself.") from error
    if real in above:
        raise DataError(f"The link {folder} leads round in a circle, to {real}. Remove it.")
    for name in sorted(os.listdir(folder)):  # noqa: PTH208 - texts, not Paths: there may be millions
        entry = folder / name
        if _is_hidden(entry):
            continue
        if entry.is_symlink() and not _exists(entry):
            raise DataError(
                f"{entry} is a link that leads nowhere or round in a circle. Remove it."
            )
        if entry.is_dir():
            yield from _files(entry, (*above, real))
        else:
            yield str(entry)


def _exists(path: Path) -> bool:
    try:
        path.resolve(strict=True)
    except (OSError, RuntimeError):
        return False
    return True


def _is_hidden(path: Path) -> bool:
    return path.name.startswith(".") or path.name.lower() in _IGNORED


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
    for number, row in enumerate(rows, start=2):
        where = f"{table}, row {number}"
        for column in ("path", "label"):
            if row[column] is None:
                raise DataError(f"{where}: no {column}.")
        split = row.get("split") or "train"
        if split not in ("train", "test"):
            raise DataError(f"{where}: split is {split!r}. Write train or test.")
        file = str(root / str(row["path"]))
        if file in seen:
            raise DataError(f"{where}: {row['path']} is in row {seen[file]} already.")
        if not Path(file).is_file():
            raise DataError(f"{where}: {file} is not a file. Paths are relative to root, {root}.")
        seen[file] = number
        clean = row.get("clean_label")
        # Rows of one class share the text of its name.
        label, clean = sys.intern(str(row["label"])), None if clean is None else sys.intern(clean)
        samples.append(Sample(file, label, split, clean))
    _check_clean(samples, table)
    return samples


def _rows(table: Path) -> Iterator[dict[str, str | None]]:
    import pandas as pd

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
    except (OSError, ValueError) as error:
        raise DataError(f"Cannot read the table {table}: {error}") from error
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
