"""All images of a folder or a table with their paths and given labels, for an audit."""

import hashlib
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import PIL

import lnlbench
from lnlbench.data.collection import Reading
from lnlbench.errors import DataError
from lnlbench_image_folder.decoding import DECODING, RULE, read_squares
from lnlbench_image_folder.folders import NOT_REGULAR, list_classes, list_folders
from lnlbench_image_folder.listing import Sample
from lnlbench_image_folder.table import list_table

if TYPE_CHECKING:
    from lnlbench_image_folder import Settings

_SHOWN = 5


def collect_images(settings: "Settings") -> lnlbench.Collection:
    """The images of `root/CLASS`, of `root/train/CLASS` and `root/test/CLASS`, or of the table.

    Raises:
        DataError: folders or table are not as required, or a row of the table leaves the folder.
    """
    root, size = settings.root, settings.image_size
    left_out: list[tuple[str, str]] = []
    if settings.table is not None:
        samples = list_table(root, settings.table)
        for number, sample in enumerate(samples, start=2):
            if _relative(sample.file, root).startswith(("../", "/")):
                raise DataError(
                    f"{settings.table}, row {number}: {sample.file} lies outside the folder "
                    f"{root}. An audit shows only images of that folder: name one that holds all."
                )
    elif (root / "train").is_dir():
        samples, odd = list_folders(root)
        left_out = [(file, NOT_REGULAR) for file in odd]
    else:
        samples, left_out = list_classes(root)
    clean = tuple(sample.clean for sample in samples if sample.clean is not None)
    paths = tuple(_relative(sample.file, root) for sample in samples)
    files = [sample.file for sample in samples]
    return lnlbench.Collection(
        paths=paths,
        labels=tuple(sample.label for sample in samples),
        read=partial(_read, files, size, settings.max_megapixels),
        identity=_identity(samples, settings),
        clean_labels=clean if len(clean) == len(samples) else None,
        decisions=_decisions(samples),
        left_out=tuple((_relative(file, root), reason) for file, reason in left_out),
    )


def _decisions(samples: list[Sample]) -> tuple[str, ...] | None:
    given = tuple(sample.decision for sample in samples if sample.decision is not None)
    return given if len(given) == len(samples) else None


def _read(files: list[str], size: int, max_megapixels: float, rows: Sequence[int]) -> Reading:
    found = read_squares([Path(files[row]) for row in rows], size, max_megapixels)
    unreadable = [(rows[number], reason) for number, reason in found.unreadable]
    if not found.lasting:
        shown = "; ".join(f"{files[row]}: {reason}" for row, reason in unreadable[:_SHOWN])
        raise DataError(
            f"The system refused to read images that may be in order ({shown}). Make them "
            "readable, or remove them, and type the same command again."
        )
    return found.images, unreadable


def _relative(file: str, root: Path) -> str:
    return Path(os.path.relpath(file, root)).as_posix()


def _identity(samples: list[Sample], settings: "Settings") -> str:
    rule = f"{RULE.format(size=settings.image_size)} {settings.max_megapixels} {PIL.__version__}"
    digest = hashlib.sha256(f"{rule} {DECODING}\n".encode())
    for sample in samples:
        facts = Path(sample.file).stat()
        digest.update(os.fsencode(sample.file))
        digest.update(f"\0{facts.st_size} {facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()
