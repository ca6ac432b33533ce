"""Predictions for image files: which files are meant, and a row of a table for each."""

import csv
import glob
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from lnlbench.data.square_images import Unreadable
from lnlbench.errors import UsageError
from lnlbench.model.card import FeatureInput
from lnlbench.model.inputs import read_images
from lnlbench.model.model import Model

# Folders that storage devices make of their own accord.
_OF_DEVICES = ("@eadir", "@recycle")


@dataclass(frozen=True)
class Prediction:
    """The most probable classes of a file, the most probable one first."""

    path: str
    best: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Unread:
    """A path that gave no prediction, and why."""

    path: str
    reason: str


def predict_files(
    model: Model, paths: Sequence[str], top: int = 1
) -> Iterator[Prediction | Unread]:
    """A prediction for each file, in the order of the paths; few images are held at a time.

    Raises:
        UsageError: the model takes features, not images.
    """
    given, size = model.card.input, model.card.batch_size
    if isinstance(given, FeatureInput):
        raise UsageError(
            "This model was trained on features, so it cannot predict from image files. Predict "
            "from Python: lnlbench.load_model(FOLDER).predict_proba(features)."
        )
    for start in range(0, len(paths), size):
        part = paths[start : start + size]
        read = read_images(part, given)
        squares = [image for image in read if isinstance(image, Tensor)]
        rows = iter(() if not squares else list(model.probabilities(torch.stack(squares))))
        for path, image in zip(part, read, strict=True):
            if isinstance(image, Unreadable):
                yield Unread(path, str(image))
                continue
            row = next(rows)
            order = (-row).argsort(kind="stable")[:top]
            yield Prediction(path, tuple((model.classes[k], float(row[k])) for k in order))


def find_images(given: Iterable[str]) -> tuple[list[str], list[Unread]]:
    """The files that names of files, folders and patterns (`photos/**/*.jpg`) mean, each once.

    Of a folder, these are all files below it that end like an image, in order of their paths, but
    those in hidden folders and in `@eaDir` or `@Recycle` are left out. What means no file, and
    folders that cannot be read, come back beside them.
    """
    found: dict[str, None] = {}
    missing: list[Unread] = []
    for name in given:
        files, reasons = _meant(name)
        found |= dict.fromkeys(files)
        missing += [Unread(name, f"{name}: {reason}.") for reason in reasons]
    return list(found), missing


def _meant(name: str) -> tuple[list[str], list[str]]:
    if os.path.isdir(name):  # noqa: PTH112 - a text may hold a zero byte, and Path refuses it
        below, refused = _below(Path(name))
        return below, refused or ([] if below else ["the folder holds no image"])
    if os.path.lexists(name) or not glob.has_magic(name):
        return [name], []
    # Not Path.glob, which takes no absolute pattern.
    names = glob.iglob(name, recursive=True)  # noqa: PTH207
    matched = sorted(file for file in names if Path(file).is_file())
    return matched, [] if matched else ["no file matches"]


def _below(folder: Path) -> tuple[list[str], list[str]]:
    """The image files below a folder, and why folders among them cannot be read."""
    Image.init()
    endings = {ending for ending, kind in Image.EXTENSION.items() if kind in Image.OPEN}
    found, refused = [], []

    def note(error: OSError) -> None:
        refused.append(f"the folder {error.filename} cannot be read ({error.strerror})")

    for place, folders, files in os.walk(folder, onerror=note):
        folders[:] = [name for name in folders if not _is_left_out(name)]
        found += [
            Path(place) / name
            for name in files
            if not name.startswith(".") and Path(name).suffix.lower() in endings
        ]
    return [str(file) for file in sorted(found)], refused


def _is_left_out(folder: str) -> bool:
    return folder.startswith(".") or folder.lower() in _OF_DEVICES


def as_csv(predictions: Iterable[Prediction], top: int) -> str:
    """A table with the columns path, class, probability, class_2, probability_2 and so on."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    later = [f"{name}_{place}" for place in range(2, top + 1) for name in ("class", "probability")]
    writer.writerow(["path", "class", "probability", *later])
    for each in predictions:
        cells = [cell for name, share in each.best for cell in (name, f"{share:.6g}")]
        writer.writerow([each.path, *cells])
    return text.getvalue()
