"""Turn listed and decoded images into a data set, and name every file that cannot be used."""

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

import lnlbench
from lnlbench.data.class_names import class_lines
from lnlbench.errors import DataError
from lnlbench_image_folder.decoding import RULE
from lnlbench_image_folder.folders import NOT_REGULAR, list_folders
from lnlbench_image_folder.images import Decoded, decoded
from lnlbench_image_folder.listing import Sample, class_names, hold_out
from lnlbench_image_folder.table import list_table

if TYPE_CHECKING:
    from lnlbench_image_folder import Settings

_SHOWN = 10
_log = logging.getLogger(__name__)


def build(settings: "Settings") -> lnlbench.Dataset:
    """The data set that the settings describe.

    Raises:
        DataError: folders, table or files are not as required; the message names each.
    """
    root = settings.root
    left_out: list[str] = []
    if settings.table is None:
        listed, left_out = list_folders(root)
    else:
        listed = list_table(root, settings.table)
    listed = hold_out(listed, root, settings.test_share)
    is_train = np.array([sample.split == "train" for sample in listed])
    images = decoded([sample.file for sample in listed], is_train, settings)
    unreadable = [(listed[number].file, reason) for number, reason in images.unreadable]
    if unreadable and not settings.skip_unreadable:
        raise DataError(
            f"{len(unreadable):,} of {len(listed):,} files cannot be used:\n"
            f"{_listing(unreadable, root)}\n"
            "Repair or remove them, or leave them out with --set-data skip_unreadable=true."
        )
    skipped = {number for number, _ in images.unreadable}
    usable = [number for number in range(len(listed)) if number not in skipped]
    samples = [listed[number] for number in usable]
    classes = class_names(listed)
    _check_classes(samples, classes, root)
    counts = Counter(sample.label for sample in samples if sample.split == "train")
    notes = [f"{len(samples):,} image files, {RULE.format(size=settings.image_size)}"]
    notes += class_lines(classes, [counts[name] for name in classes])
    if unreadable:
        names = _listing(unreadable, root).replace("\n", ";")
        notes.append(f"{len(unreadable):,} unreadable files left out: {names}")
    if left_out:
        names = _listing([(file, NOT_REGULAR) for file in left_out], root)
        names = names.replace("\n", ";")
        notes.append(f"{len(left_out):,} pipes, sockets or devices left out: {names}")
        _log.warning("%s", notes[-1])
    return _assemble(samples, images, np.array(usable), classes, notes)


def _listing(files: Sequence[tuple[str, str]], root: Path) -> str:
    """The first few files with their reasons, one line for each."""
    lines = []
    for name, reason in files[:_SHOWN]:
        file = Path(name)
        lines.append(f"  {file.relative_to(root) if file.is_relative_to(root) else file}: {reason}")
    if len(files) > _SHOWN:
        lines.append(f"  and {len(files) - _SHOWN:,} more")
    return "\n".join(lines)


def _check_classes(samples: Sequence[Sample], classes: tuple[str, ...], root: Path) -> None:
    if len(classes) < 2:
        raise DataError(
            f"The images of {root} have {len(classes)} label(s) in all, and learning needs two."
        )
    counts = Counter(sample.label for sample in samples if sample.split == "train")
    empty = [name for name in classes if not counts[name]]
    if empty:
        shown = ", ".join(empty[:_SHOWN])
        raise DataError(
            f"Classes without a readable training image: {shown}. Add images to them, or leave "
            "the classes out."
        )
    if not any(sample.split == "test" for sample in samples):
        raise DataError(
            f"No image of {root} is left for the test split. Add some, or give a larger test_share."
        )


def _assemble(
    samples: Sequence[Sample],
    images: Decoded,
    rows: np.ndarray,
    classes: tuple[str, ...],
    notes: list[str],
) -> lnlbench.Dataset:
    index = {name: number for number, name in enumerate(classes)}
    is_train = np.array([sample.split == "train" for sample in samples])
    given = np.array([index[sample.label] for sample in samples], np.int64)
    clean = np.array([index[sample.clean or sample.label] for sample in samples], np.int64)
    known = all(sample.clean is not None for sample in samples if sample.split == "train")
    if not known:
        notes.append("the clean labels are unknown: accuracies are against the labels as given")
    mean, std = statistics(images.value_counts(rows[is_train]))
    return lnlbench.Dataset(
        name="image-folder",
        train_images=images.of(rows[is_train]),
        train_labels=_tensor(clean[is_train]),
        test_images=images.of(rows[~is_train]),
        test_labels=_tensor(clean[~is_train]),
        classes=classes,
        mean=mean,
        std=std,
        human_labels={"given": _tensor(given[is_train])},
        notes=tuple(notes),
        truth_known=known,
    )


def _tensor(labels: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(labels))


def statistics(counts: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel of the images divided by 255.

    They are computed from counts [3, 256] of the values: exact, and the same on every machine.
    """
    values = np.arange(256) / 255
    means, stds = [], []
    for count in counts:
        shares = count / count.sum()
        mean = float((shares * values).sum())
        means.append(round(mean, 4))
        # Images of a single color would be divided by zero.
        stds.append(round(max(float((shares * (values - mean) ** 2).sum()) ** 0.5, 1 / 255), 4))
    return tuple(means), tuple(stds)
