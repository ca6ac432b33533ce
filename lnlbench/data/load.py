"""From a data set's name to a checked `Dataset`."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lnlbench.data.access import announce_reading
from lnlbench.data.cache import Arrays, cached
from lnlbench.data.cifar import CIFAR10, CIFAR100, CifarArrays, CifarFormat, read_cifar
from lnlbench.data.dataset import Dataset
from lnlbench.data.human import CIFAR10N, CIFAR100N, HumanFormat, HumanLabels, read_human_labels
from lnlbench.data.location import cache_dir, resolve_data_dir
from lnlbench.data.names import canonical_name
from lnlbench.data.sources import require_files
from lnlbench.system.progress import Progress


def load_dataset(
    name: str,
    data_dir: Path | None = None,
    *,
    download: bool = True,
    progress: Progress | None = None,
) -> Dataset:
    """The named data set, read from disk and checked.

    Args:
        name: a name or an alias of `DATASETS`.
        data_dir: folder with the files. Without it, LNLBENCH_DATA_DIR names the folder, and without
            that it is a folder in the user's cache. A folder that the user names is only read.
        download: fetch the files that the default folder lacks.
        progress: called with how far a download is; by default a display on standard error.

    Raises:
        UsageError: there is no such data set.
        DataError: a file is missing, damaged, hostile, or not what it claims to be.
    """
    canonical = canonical_name(name)
    announce_reading(canonical)
    if canonical == "digits":
        from lnlbench.data.digits import load_digits_dataset

        return load_digits_dataset()
    location = resolve_data_dir(data_dir)
    if location.given or not download:
        require_files(canonical, location)
    else:
        from lnlbench.data.fetch import fetch

        fetch(canonical, location.path, progress=progress)
    form, human = cifar_formats(canonical)
    return load_cifar(canonical, location.path, form, human)


def cifar_formats(name: str) -> tuple[CifarFormat, HumanFormat]:
    """The files of a canonical CIFAR name: the images and the human labels."""
    return (CIFAR10, CIFAR10N) if name == "cifar10" else (CIFAR100, CIFAR100N)


def load_cifar(name: str, data_dir: Path, form: CifarFormat, human: HumanFormat) -> Dataset:
    """A CIFAR data set from a folder that has all its files; `name` says fine or coarse."""
    announce_reading(name)
    kept = cached(
        form.folder,
        [data_dir / file for file in form.files],
        cache_dir() / "arrays",
        lambda: _to_arrays(read_cifar(data_dir, form)),
    )
    cifar = _from_arrays(kept)
    labels = read_human_labels(
        data_dir, human, cifar.train_labels, form.num_classes, cifar.superclasses
    )
    return to_dataset(name, form, cifar, labels)


def to_dataset(name: str, form: CifarFormat, cifar: CifarArrays, human: HumanLabels) -> Dataset:
    """The data set with its fine classes, or with superclasses if the name ends in -coarse."""
    notes = []
    if not cifar.official:
        notes.append(
            f"{form.title} files are not byte-identical to the official archive (checksum not "
            f"verified); accepted by content: {form.train_count:,} training and "
            f"{form.test_count:,} test images, equally many of each class"
        )
    if not human.published:
        notes.append("the human label file is not the published one (checksum differs)")
    coarse = name.endswith("-coarse")
    mapping = np.array(cifar.superclasses, dtype=np.int64)
    chosen = {key: value for key, value in human.labels.items() if ("coarse" in key) == coarse}
    return Dataset(
        name=name,
        train_images=_tensor(cifar.train_images),
        train_labels=_tensor(mapping[cifar.train_labels] if coarse else cifar.train_labels),
        test_images=_tensor(cifar.test_images),
        test_labels=_tensor(mapping[cifar.test_labels] if coarse else cifar.test_labels),
        classes=cifar.superclass_names if coarse else cifar.classes,
        mean=form.mean,
        std=form.std,
        human_labels={key: _tensor(value) for key, value in chosen.items()},
        notes=tuple(notes),
        superclasses=cifar.superclasses if cifar.superclasses and not coarse else None,
    )


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array if array.flags.writeable else array.copy())


def _to_arrays(cifar: CifarArrays) -> Arrays:
    return Arrays(
        {
            "train_images": cifar.train_images,
            "train_labels": cifar.train_labels,
            "test_images": cifar.test_images,
            "test_labels": cifar.test_labels,
        },
        {
            "classes": cifar.classes,
            "superclass_names": cifar.superclass_names,
            "superclasses": cifar.superclasses,
            "official": cifar.official,
        },
    )


def _from_arrays(kept: Arrays) -> CifarArrays:
    facts = kept.facts
    return CifarArrays(
        **kept.arrays,
        classes=tuple(facts["classes"]),
        superclass_names=tuple(facts["superclass_names"]),
        superclasses=tuple(facts["superclasses"]),
        official=facts["official"],
    )
