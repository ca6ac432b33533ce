"""The images that folders hold, one folder for each class."""

# ruff: noqa: PTH112, PTH114, PTH116, PTH118, PTH208
# File names are texts here, not Paths: there may be millions of them

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lnlbench.data.class_names import alike
from lnlbench.errors import DataError
from lnlbench_image_folder.listing import Sample

# What Windows, macOS, Linux and storage devices put into folders of their own accord.
_IGNORED = (
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "system volume information",
    "$recycle.bin",
    "__macosx",
    "icon\r",
    "lost+found",
    "@eadir",
    "#recycle",
    "@recycle",
)

NOT_REGULAR = "not a regular file"
_BESIDE = "lies beside the class folders, so its label is unknown"
_EMPTY = "a folder without an image"


def list_folders(root: Path) -> tuple[list[Sample], list[str]]:
    """The images below `root/train/CLASS` and `root/test/CLASS`, in order of their paths.

    The second list names files among them that are not regular: pipes, sockets, devices.

    Raises:
        DataError: a folder is missing or empty, or links lead in a circle.
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
                f"{', '.join(sorted(known)[:20])}.{_other_spelling(folder.name, known)}"
            )
        samples += [Sample(file, folder.name, "test") for file in _files(folder, left_out)]
    return samples, left_out


def list_classes(root: Path) -> tuple[list[Sample], list[tuple[str, str]]]:
    """The images below `root/CLASS`, in order of their paths.

    The second list names what is left out, with the reason: entries that are not regular files,
    files beside the class folders, and folders without an image.

    Raises:
        DataError: a folder is missing, there are fewer than two with images, or links lead in a
            circle.
    """
    if not os.path.isdir(root):
        raise DataError(f"{root} is not a folder. Name an existing one.")
    samples: list[Sample] = []
    odd: list[str] = []
    left_out: list[tuple[str, str]] = []
    for name in _names(root):
        if _is_hidden(name):
            continue
        entry = root / name
        if not stat.S_ISDIR(_mode(str(entry))):
            left_out.append((str(entry), _BESIDE))
            continue
        _check_text(entry)
        found = [Sample(file, name, "train") for file in _files(entry, odd)]
        samples += found
        if not found:
            left_out.append((str(entry), _EMPTY))
    classes = {sample.label for sample in samples}
    if len(classes) < 2:
        found = ", ".join(sorted(classes)) or "none"
        raise DataError(
            f"{root} has {len(classes)} folder(s) with images ({found}), and an audit needs a "
            f"folder for each of at least two classes: {root}/CLASS/image.jpg. Or list the images "
            "in a table: --table labels.csv."
        )
    return samples, [*((file, NOT_REGULAR) for file in odd), *left_out]


def _other_spelling(name: str, known: set[str]) -> str:
    """Ask whether a known class is meant; empty if no class has another spelling of the name."""
    for each in sorted(known):
        if alike([each, name]):
            return f" Is {each!a} meant? {name!a} is another spelling of it."
    return ""


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
        _check_text(entry)
        folders.append(entry)
    return folders


def _check_text(folder: Path) -> None:
    if not _is_text(folder.name):
        raise DataError(
            f"The name of the class folder {folder} is not valid UTF-8, so that no result could "
            "hold it. Rename the folder, and the one of the same class beside it."
        )


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # the bytes of a file name that is not UTF-8
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
    """The kind of a file; for a link, the kind of the file that it leads to."""
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
