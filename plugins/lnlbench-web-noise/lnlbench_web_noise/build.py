"""From a listing to a data set: images decoded or streamed, and what a result says of them."""

import numpy as np
import torch
from lnlbench_image_folder.dataset import statistics
from lnlbench_image_folder.decoding import RULE
from lnlbench_image_folder.images import decoded

import lnlbench
from lnlbench.errors import DataError
from lnlbench_web_noise.listing import Listing
from lnlbench_web_noise.settings import WebNoise

_SHOWN = 10


def build(name: str, listing: Listing, settings: WebNoise) -> lnlbench.Dataset:
    """The data set of these files. The labels are those of the lists, noise `given`.

    Raises:
        DataError: a file is not a readable image, or a split or a class is empty.
    """
    samples = [*listing.train, *listing.test]
    is_train = np.arange(len(samples)) < len(listing.train)
    images = decoded([file for file, _ in samples], is_train, settings)
    notes = [*listing.notes, f"{len(samples):,} image files, {_rule(settings)}"]
    if images.unreadable:
        named = "; ".join(
            f"{samples[number][0]}: {reason}" for number, reason in images.unreadable[:_SHOWN]
        )
        found = f"{len(images.unreadable):,} of {len(samples):,} files cannot be used: {named}"
        if not settings.skip_unreadable:
            raise DataError(
                f"{found}. Unpack them again, or leave them out with --set-data "
                "skip_unreadable=true; the result then says so."
            )
        notes.append(f"{found}; they are left out")
    unusable = [number for number, _ in images.unreadable]
    rows = np.setdiff1d(np.arange(len(samples)), unusable)
    train, test = rows[is_train[rows]], rows[~is_train[rows]]
    labels = np.array([label for _, label in samples], np.int64)
    _check_classes(listing, labels[train], len(test))
    notes.append("the clean labels are unknown: training accuracies are against the labels given")
    mean, std = statistics(images.value_counts(train))
    given = torch.from_numpy(labels[train])
    return lnlbench.Dataset(
        name=name,
        train_images=images.of(train),
        train_labels=given,
        test_images=images.of(test),
        test_labels=torch.from_numpy(labels[test]),
        classes=listing.classes,
        mean=mean,
        std=std,
        human_labels={"given": given},
        notes=tuple(notes),
        truth_known=False,
    )


def _rule(settings: WebNoise) -> str:
    return RULE.format(size=settings.image_size)


def _check_classes(listing: Listing, train: np.ndarray, tested: int) -> None:
    counts = np.bincount(train, minlength=len(listing.classes))
    empty = [name for name, count in zip(listing.classes, counts, strict=True) if not count]
    if empty:
        raise DataError(
            f"{len(empty)} of {len(listing.classes)} classes have no training image: "
            f"{', '.join(empty[:_SHOWN])}. A subset needs some of each class."
        )
    if not tested:
        raise DataError("There is no test image. A subset needs some of them as well.")
