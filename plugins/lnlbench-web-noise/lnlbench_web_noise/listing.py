"""What a data set's own files list: images with labels, a training and a test split."""

# ruff: noqa: PTH118
# File names are texts here, not Paths: there may be a million of them

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lnlbench.errors import DataError

_SHOWN = 5
Counts = Mapping[str, int | None]  # of each split; None if its authors publish no count


@dataclass(frozen=True)
class Listing:
    """Files with their labels, which are numbers below `len(classes)`; `notes` go into results."""

    classes: tuple[str, ...]
    train: list[tuple[str, int]]
    test: list[tuple[str, int]]
    notes: list[str] = field(default_factory=list)


def find_folder(root: Path, marker: str, inside: Iterable[str] = ()) -> Path:
    """The folder that holds `marker`: `root`, or one of the folders in it by these names.

    Raises:
        DataError: none of them holds it.
    """
    for folder in (root, *(root / name for name in inside)):
        if (folder / marker).exists():
            return folder
    looked = ", ".join(str(Path(name) / marker) for name in ("", *inside))
    raise DataError(
        f"{root} is not a folder of this data set: it has no {looked}. Give the folder into which "
        "the authors' archives were unpacked: --set-data root=DIR."
    )


def read_lines(file: Path) -> list[str]:
    """The lines of a list, without empty ones.

    Raises:
        DataError: the list is missing, or not text.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise DataError(
            f"Cannot read the list {file}: {reason}. It is one of the authors' files; unpack it "
            "into this place."
        ) from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def read_pairs(file: Path, classes: int) -> list[tuple[str, int]]:
    """The lines `NAME LABEL` of a list.

    Raises:
        DataError: the list is missing, or a line has another form or a label out of range.
    """
    pairs = []
    for number, line in enumerate(read_lines(file), start=1):
        name, _, label = line.rpartition(" ")
        if not name or not label.isdecimal() or int(label) >= classes:
            raise DataError(
                f"{file}, line {number}: {line[:100]!r} is not NAME LABEL with a label from 0 to "
                f"{classes - 1}. Unpack the authors' file again."
            )
        pairs.append((name.strip(), int(label)))
    return pairs


def check_counts(found: Mapping[str, int], published: Counts, subset: bool) -> list[str]:
    """Compare counts with the published ones; returns what a result says of a subset.

    Raises:
        DataError: a count is another one, and no subset was asked for; the message has all.
    """
    wrong = [
        f"{name}: {found[name]:,} instead of {expected:,}"
        for name, expected in published.items()
        if expected is not None and found[name] != expected
    ]
    if wrong and not subset:
        raise DataError(
            f"The counts are not the published ones: {'; '.join(wrong)}. Files or lines may be "
            "missing: unpack the archives again. If this is a part of the data on purpose, say "
            "--set-data subset=true; the result then says so."
        )
    return [f"not the whole data set ({'; '.join(wrong)})"] if wrong else []


def read_classes(file: Path, expected: int, heading: str | None = None) -> list[str]:
    """The names of the classes: all lines of a file, but for its heading.

    Raises:
        DataError: the file is missing, or has another number of names than `expected`.
    """
    names = [line for line in read_lines(file) if line != heading]
    if len(names) != expected:
        raise DataError(
            f"{file} has {len(names)} names, and the data set has {expected} classes. Unpack the "
            "authors' file again."
        )
    return names


def list_present(
    classes: tuple[str, ...],
    splits: Mapping[str, Iterable[tuple[str, int]]],
    subset: bool,
    notes: list[str],
) -> Listing:
    """The listing of the samples whose files are there; notes how many of a subset are not.

    `splits` has the training split and then the test split, by the names that messages give them.

    Raises:
        DataError: files are missing, and no subset was asked for; the message names some.
    """
    train, test = (_present(split, samples, subset, notes) for split, samples in splits.items())
    return Listing(classes, train, test, notes)


def _present(
    split: str, samples: Iterable[tuple[str, int]], subset: bool, notes: list[str]
) -> list[tuple[str, int]]:
    there = _Present()
    kept, missing = [], []
    for file, label in samples:
        (kept.append((file, label)) if there.has(file) else missing.append(file))
    if missing and not subset:
        shown = "\n".join(f"  {file}" for file in missing[:_SHOWN])
        raise DataError(
            f"{len(missing):,} of {len(kept) + len(missing):,} listed {split} images are missing, "
            f"first\n{shown}\nUnpack the archives again. If this is a part of the data on "
            "purpose, say --set-data subset=true; the result then says so."
        )
    if missing:
        notes.append(f"{len(missing):,} listed {split} images are missing and left out")
    return kept


class _Present:
    """Which files exist, by one listing of each folder: a million of them take seconds."""

    def __init__(self) -> None:
        self._names: dict[str, set[str]] = {}

    def has(self, file: str) -> bool:
        """Whether there is a file of that name."""
        folder, name = os.path.split(file)
        if folder not in self._names:
            self._names[folder] = set(_names(folder))
        return name in self._names[folder]


def _names(folder: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            yield from (entry.name for entry in entries if not entry.is_dir())
    except (FileNotFoundError, NotADirectoryError):  # a missing folder has no files
        return
    except OSError as error:
        raise DataError(
            f"Cannot read the folder {folder}: {error.strerror or error}. Make it readable."
        ) from error


def files_by_name(*folders: Path) -> dict[str, str]:
    """The path of each file in these folders and in the folders directly in them, by its name."""
    found: dict[str, str] = {}
    for folder in folders:
        if not folder.is_dir():
            continue
        below = [each for each in sorted(folder.iterdir()) if each.is_dir()]
        for place in map(str, (folder, *below)):
            for name in _names(place):
                found.setdefault(name, os.path.join(place, name))
    return found
