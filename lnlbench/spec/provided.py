"""Data sets of plugins: loaded with their settings, and pinned in a spec by their content."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import torch
from torch import Tensor

from lnlbench.data.dataset import Dataset
from lnlbench.data.facts import remembered
from lnlbench.data.image_files import ImageFiles, Images
from lnlbench.data.reading import update_digest
from lnlbench.errors import DataError, UsageError, unknown_name
from lnlbench.interface.data_source import DataSource
from lnlbench.interface.params import validate_params
from lnlbench.tracks import DataSpec

if TYPE_CHECKING:
    from hashlib import _Hash


@dataclass(frozen=True)
class Provided:
    """A loaded data set, its fields in a spec, and settings of where it lies and how it is read."""

    dataset: Dataset
    spec: DataSpec
    locations: Mapping[str, str]


class ProvidedData:
    """The data sets of plugins, each loaded once for the settings given on the command line."""

    def __init__(self, sources: Mapping[str, DataSource], given: Mapping[str, Any]) -> None:
        self._sources = sources
        self._given = dict(given)
        self._loaded: dict[str, Provided] = {}

    def source(self, name: str) -> DataSource:
        """The data set of that name; UsageError when no plugin provides it."""
        if name not in self._sources:
            hint = "This run needs the plugin that provides it; 'lnlbench plugins' lists plugins."
            raise unknown_name("data set of a plugin", name, self._sources, hint)
        return self._sources[name]

    def load(self, name: str, settings: Mapping[str, Any] | None = None) -> Provided:
        """The data set with the given settings; `settings` hold those that were not given.

        Raises:
            UsageError: a setting is unknown, missing, or not allowed.
            DataError: the data cannot be read, or do not form a valid data set.
        """
        return self._load(name, {**(settings or {}), **self._given})

    def load_pinned(self, name: str, spec: DataSpec, remembered: Mapping[str, str]) -> Provided:
        """The data of a spec, from where the settings say, else from where they were last time.

        Raises:
            DataError: the data in that place have another content.
        """
        for loaded in self._loaded.values():
            if loaded.dataset.name == name and loaded.spec == spec:
                return loaded
        provided = self._load(name, {**spec.settings, **remembered, **self._given})
        if provided.spec.sha256 != spec.sha256:
            places = ", ".join(f"{key}={value}" for key, value in provided.locations.items())
            raise DataError(
                f"The data of {name} ({places or 'no place given'}) are not those of this run: "
                f"their sha256 is {provided.spec.sha256[:16]}…, and the spec says "
                f"{spec.sha256[:16]}…. A file has changed, or another version of a library decodes "
                "it otherwise. Give the place of the same data with --set-data, or start a new run "
                "on these."
            )
        return provided

    def _load(self, name: str, settings: Mapping[str, Any]) -> Provided:
        source = self.source(name)
        params = validate_params(name, source.params, dict(settings), kind="data set")
        places = location_names(source)
        apart = [*places, *source.reading]
        fields = params.model_dump(mode="json")
        key = repr((name, fields))
        if key not in self._loaded:
            dataset = source.load(params)
            check_dataset(dataset, name)
            self._loaded[key] = Provided(
                dataset,
                DataSpec(
                    settings={each: value for each, value in fields.items() if each not in apart},
                    sha256=content_sha256(dataset),
                ),
                {
                    each: str(fields[each])
                    for each in apart
                    if fields[each] is not None
                    and (each in places or each in params.model_fields_set)
                },
            )
        return self._loaded[key]


def location_names(source: DataSource) -> list[str]:
    """The settings that say where data lie: those whose type is Path, or Path or None."""
    return [
        key
        for key, field in source.params.model_fields.items()
        if field.annotation is Path or Path in get_args(field.annotation)
    ]


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
    """
    problem = _problem(dataset)
    if problem:
        raise DataError(f"The plugin's data set {name!r} cannot be used: {problem}.")
    if dataset.name != name:
        raise UsageError(f"The data set {name!r} calls itself {dataset.name!r}.")


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
    for name, values in labels.items():
        if not _labels_fit(values, len(dataset.train_images), dataset.num_classes):
            return f"{name} is not one int64 label below {dataset.num_classes} for each image"
    if not _labels_fit(dataset.test_labels, len(dataset.test_images), dataset.num_classes):
        return f"test_labels is not one int64 label below {dataset.num_classes} for each image"
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


def _labels_fit(labels: Tensor, count: int, classes: int) -> bool:
    if labels.shape != (count,) or labels.dtype != torch.int64:
        return False
    return bool(((labels >= 0) & (labels < classes)).all())
