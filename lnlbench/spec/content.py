"""The content of a plugin's data set: its hash, and whether runs can use it."""

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lnlbench.data.dataset import Dataset
from lnlbench.data.facts import remembered
from lnlbench.data.image_files import ImageFiles, Images
from lnlbench.data.reading import update_digest
from lnlbench.errors import DataError, UsageError

if TYPE_CHECKING:
    from hashlib import _Hash


def content_sha256(dataset: Dataset) -> str:
    """SHA-256 of everything that training and evaluation can depend on, but not of file formats.

    Images in files are read for it, unless the hash of the same files is remembered.
    """
    parts = (dataset.train_images, dataset.test_images)
    if not any(isinstance(images, ImageFiles) for images in parts):
        return _digest(dataset, update_digest)
    key = _digest(dataset, _update_identity)
    found: str = remembered("content", key[:32], lambda: _digest(dataset, update_digest))
    return found


def _update_identity(digest: "_Hash", images: Images) -> None:
    if isinstance(images, Tensor):
        update_digest(digest, images)
    else:
        digest.update(images.identity().encode())


def _digest(dataset: Dataset, update: "Callable[[_Hash, Images], None]") -> str:
    digest = hashlib.sha256()
    facts = (dataset.classes, dataset.mean, dataset.std, dataset.superclasses, dataset.truth_known)
    digest.update(repr(facts).encode())
    parts = {
        "train_images": dataset.train_images,
        "train_labels": dataset.train_labels,
        "test_images": dataset.test_images,
        "test_labels": dataset.test_labels,
        **{f"labels {name}": labels for name, labels in sorted(dataset.human_labels.items())},
    }
    for name, part in parts.items():
        digest.update(f"{name} {part.dtype} {list(part.shape)}\n".encode())
        update(digest, part)
    return digest.hexdigest()


def check_dataset(dataset: Dataset, name: str) -> None:
    """Refuse a data set that a run could not use.

    Raises:
        DataError: a shape, type or label is wrong; the message says which.
        UsageError: the data set has another name than its plugin registers.
    """
    problem = _problem(dataset)
    if problem:
        raise DataError(f"The plugin's data set {name!r} cannot be used: {problem}.")
    if dataset.name != name:
        raise UsageError(
            f"The plugin registers the data set {name!r}, and loading it gives one called "
            f"{dataset.name!r}. Give both the same name."
        )


def _problem(dataset: Dataset) -> str:
    if not isinstance(dataset, Dataset):
        return f"load returned a {type(dataset).__name__}, not an lnlbench.Dataset"
    if dataset.num_classes < 2:
        return f"it has {dataset.num_classes} class(es), and learning needs 2"
    names = (*dataset.classes, *dataset.human_labels)
    broken = next((name for name in names if not _is_text(name)), None)
    if broken is not None:
        return f"the name {ascii(broken)[:80]} is not valid UTF-8, so that no result could hold it"
    labels = {"train_labels": dataset.train_labels, **dataset.human_labels}
    for part in ("train", "test"):
        images = getattr(dataset, f"{part}_images")
        if not isinstance(images, Tensor | ImageFiles):
            return (
                f"{part}_images is a {type(images).__module__}.{type(images).__name__}: give a "
                "tensor, or make the data set with lnlbench.Dataset.from_arrays"
            )
        if images.ndim == 2:
            if images.dtype != torch.float32:
                return f"{part}_images holds features of {images.dtype}, not torch.float32"
            continue
        if images.ndim != 4 or images.dtype != torch.uint8 or images.shape[2] != images.shape[3]:
            return (
                f"{part}_images is {images.dtype} {list(images.shape)}, neither square uint8 NCHW "
                "nor features [N, D]"
            )
    if dataset.train_images.shape[1:] != dataset.test_images.shape[1:]:
        return "training and test images differ in size"
    if len(dataset.train_images) < 2 or not len(dataset.test_images):
        return "it needs at least two training images and one test image"
    training = [(name, values, len(dataset.train_images)) for name, values in labels.items()]
    test = ("test_labels", dataset.test_labels, len(dataset.test_images))
    for name, values, count in (*training, test):
        if not _labels_fit(values, count, dataset.num_classes):
            return (
                f"{name} is not one int64 label below {dataset.num_classes} for each of {count} "
                f"images, but {_range_of(values)}"
            )
    channels = 0 if dataset.holds_features else dataset.train_images.shape[1]
    if (
        len(dataset.mean) != channels
        or len(dataset.std) != channels
        or min(dataset.std, default=1) <= 0
    ):
        return f"mean and std are not {channels} numbers, std above 0"
    return ""


def _is_text(name: object) -> bool:
    try:
        return isinstance(name, str) and bool(name.encode())
    except UnicodeEncodeError:  # the bytes of a file name that is not UTF-8
        return False


def _range_of(labels: Tensor) -> str:
    if not isinstance(labels, Tensor):
        return f"a {type(labels).__name__}"
    span = f" from {labels.min().item()} to {labels.max().item()}" if labels.numel() else ""
    return f"{labels.dtype} {list(labels.shape)}{span}"


def _labels_fit(labels: Tensor, count: int, classes: int) -> bool:
    if not isinstance(labels, Tensor) or labels.shape != (count,) or labels.dtype != torch.int64:
        return False
    return bool(((labels >= 0) & (labels < classes)).all())
