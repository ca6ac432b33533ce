"""CIFAR-10 and CIFAR-100 as published by Krizhevsky (2009): the Python pickles, checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lnlbench.data.access import announce_reading
from lnlbench.data.checksum import matches
from lnlbench.data.pickles import read_pickle
from lnlbench.errors import DataError, shown

IMAGE_SHAPE = (3, 32, 32)


@dataclass(frozen=True)
class CifarFormat:
    """How one of the two data sets is laid out, and what it must contain."""

    title: str
    folder: str
    train_files: tuple[str, ...]
    test_file: str
    meta_file: str
    label_key: str
    names_key: str
    num_classes: int
    train_count: int
    test_count: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    coarse_key: str | None = None
    coarse_names_key: str | None = None
    num_superclasses: int = 0
    checksums: Mapping[str, str] = field(default_factory=dict)

    @property
    def files(self) -> tuple[str, ...]:
        """Every file, relative to the data folder."""
        names = (*self.train_files, self.test_file, self.meta_file)
        return tuple(f"{self.folder}/{name}" for name in names)


CIFAR10 = CifarFormat(
    title="CIFAR-10",
    folder="cifar-10-batches-py",
    train_files=tuple(f"data_batch_{i}" for i in range(1, 6)),
    test_file="test_batch",
    meta_file="batches.meta",
    label_key="labels",
    names_key="label_names",
    num_classes=10,
    train_count=50_000,
    test_count=10_000,
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2470, 0.2435, 0.2616),
    checksums={
        "data_batch_1": "md5:c99cafc152244af753f735de768cd75f",
        "data_batch_2": "md5:d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "md5:54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "md5:634d18415352ddfa80567beed471001a",
        "data_batch_5": "md5:482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "md5:40351d587109b95175f43aff81a1287e",
        "batches.meta": "md5:5ff9c542aee3614f3951f8cda6e48888",
    },
)

CIFAR100 = CifarFormat(
    title="CIFAR-100",
    folder="cifar-100-python",
    train_files=("train",),
    test_file="test",
    meta_file="meta",
    label_key="fine_labels",
    names_key="fine_label_names",
    num_classes=100,
    train_count=50_000,
    test_count=10_000,
    mean=(0.5071, 0.4867, 0.4408),
    std=(0.2675, 0.2565, 0.2761),
    coarse_key="coarse_labels",
    coarse_names_key="coarse_label_names",
    num_superclasses=20,
    checksums={
        "train": "md5:16019d7e3df5f24257cddd939b257f8d",
        "test": "md5:f0ef6b0ae62326f3e7ffdfab6717acfc",
        "meta": "md5:7973b15100ade9c7d40fb424638fde48",
    },
)


@dataclass(frozen=True)
class CifarArrays:
    """A checked CIFAR data set: images uint8 [N, 3, 32, 32], labels int64 [N].

    `superclasses[i]` is the superclass of class i, empty for CIFAR-10. `official` says whether
    every file is byte for byte the one in the official archive.
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    classes: tuple[str, ...]
    superclass_names: tuple[str, ...]
    superclasses: tuple[int, ...]
    official: bool


def read_cifar(data_dir: Path, form: CifarFormat) -> CifarArrays:
    """Read and check every file of the data set below `data_dir`.

    Raises DataError, naming the file, for anything that is not the data set it claims to be.
    """
    announce_reading(form.folder)
    folder = data_dir / form.folder
    meta = read_pickle(folder / form.meta_file)
    parts = [_read_part(folder / name, form) for name in form.train_files]
    train_images = _joined([part[0] for part in parts])
    train_labels = _joined([part[1] for part in parts])
    test_images, test_labels, test_coarse = _read_part(folder / form.test_file, form)
    _check_counts(folder, "training", train_labels, form.train_count, form.num_classes)
    _check_counts(folder, "test", test_labels, form.test_count, form.num_classes)
    superclasses: tuple[int, ...] = ()
    superclass_names: tuple[str, ...] = ()
    if form.coarse_names_key:
        superclass_names = _names(meta, form.coarse_names_key, form.num_superclasses, folder)
        fine = np.concatenate([train_labels, test_labels])
        coarse = np.concatenate([*(part[2] for part in parts), test_coarse])
        superclasses = _superclass_map(fine, coarse, form, folder)
    return CifarArrays(
        train_images,
        train_labels,
        test_images,
        test_labels,
        _names(meta, form.names_key, form.num_classes, folder),
        superclass_names,
        superclasses,
        official=bool(form.checksums)
        and all(matches(folder / name, digest) for name, digest in form.checksums.items()),
    )


def _read_part(path: Path, form: CifarFormat) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    content = read_pickle(path)
    pixels = content.get("data")
    width = int(np.prod(IMAGE_SHAPE))
    if not (
        isinstance(pixels, np.ndarray)
        and pixels.dtype == np.uint8
        and pixels.ndim == 2
        and pixels.shape[1] == width
    ):
        given = (
            f"{pixels.dtype} {pixels.shape}" if isinstance(pixels, np.ndarray) else shown(pixels)
        )
        raise DataError(f"{path}: 'data' must be uint8 (N, {width}); found {given[:80]}.")
    count = len(pixels)
    labels = int_labels(content, form.label_key, count, form.num_classes, path)
    coarse = np.empty(0, np.int64)
    if form.coarse_key:
        coarse = int_labels(content, form.coarse_key, count, form.num_superclasses, path)
    return np.ascontiguousarray(pixels).reshape(count, *IMAGE_SHAPE), labels, coarse


def int_labels(
    content: Mapping[str, Any], key: str, count: int, num_classes: int, path: Path
) -> np.ndarray:
    """The labels under `key` as int64 [count], each in [0, num_classes); raises DataError."""
    if key not in content:
        raise DataError(
            f"{path} has no {key!r}; it has {(', '.join(sorted(content)) or 'nothing')[:200]}."
        )
    values = content[key]
    if isinstance(values, np.ndarray):
        values = values.tolist() if values.ndim == 1 else None
    if not isinstance(values, list) or any(type(value) is not int for value in values):
        raise DataError(f"{path}: {key!r} must be a list of whole numbers.")
    if len(values) != count:
        raise DataError(f"{path}: {key!r} has {len(values)} entries; {count} are expected.")
    wrong = next((i for i, value in enumerate(values) if not 0 <= value < num_classes), None)
    if wrong is not None:
        raise DataError(
            f"{path}: {key!r}[{wrong}] is {shown(values[wrong])}; allowed are 0 to "
            f"{num_classes - 1}."
        )
    return np.array(values, dtype=np.int64)


def _check_counts(folder: Path, split: str, labels: np.ndarray, count: int, classes: int) -> None:
    if len(labels) != count:
        raise DataError(f"{folder} has {len(labels)} {split} images; {count} are expected.")
    per_class = np.bincount(labels, minlength=classes)
    uneven = np.flatnonzero(per_class != count // classes)
    if len(uneven):
        raise DataError(
            f"{folder}: class {uneven[0]} has {per_class[uneven[0]]} {split} images; "
            f"each class must have {count // classes}. This is not the published data set."
        )


def _names(meta: Mapping[str, Any], key: str, count: int, folder: Path) -> tuple[str, ...]:
    values = meta.get(key)
    names = values if isinstance(values, list) else []
    texts = tuple(
        name.decode("ascii", "replace") if isinstance(name, bytes) else name
        for name in names
        if isinstance(name, str | bytes)
    )
    if len(texts) != count or len(set(texts)) != count:
        raise DataError(f"{folder}: the meta file must hold {count} distinct names in {key!r}.")
    return texts


def _superclass_map(
    fine: np.ndarray, coarse: np.ndarray, form: CifarFormat, folder: Path
) -> tuple[int, ...]:
    first = np.unique(fine, return_index=True)[1]
    mapping = coarse[first]
    wrong = np.flatnonzero(mapping[fine] != coarse)
    if len(wrong):
        raise DataError(
            f"{folder}: fine class {fine[wrong[0]]} has coarse labels {mapping[fine[wrong[0]]]} "
            f"and {coarse[wrong[0]]}; each fine class must lie in one superclass."
        )
    if len(np.unique(mapping)) != form.num_superclasses:
        raise DataError(
            f"{folder}: {len(np.unique(mapping))} superclasses; {form.num_superclasses} expected."
        )
    return tuple(int(value) for value in mapping)


def _joined(arrays: Sequence[np.ndarray]) -> np.ndarray:
    # CIFAR-100's 154 MB lie in one file already, so make no second copy.
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
