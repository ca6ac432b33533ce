"""Small data folders in the published layouts, for tests of the readers."""

import pickle
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from lnlbench.data.cifar import CIFAR10, CIFAR100, CifarFormat
from lnlbench.data.dataset import Dataset
from lnlbench.data.human import CIFAR10N, CIFAR100N
from lnlbench.noise.apply import NoisyLabels

SMALL_CIFAR100 = replace(CIFAR100, train_count=400, test_count=200, checksums={})
SMALL_CIFAR10 = replace(CIFAR10, train_count=100, test_count=50, checksums={})
CIFAR10_CLASSES = [
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
]  # fmt: skip


def wrong_share(noisy: NoisyLabels, dataset: Dataset) -> float:
    """The share of the noisy labels that are not the true ones."""
    return float((noisy.labels != dataset.train_labels).double().mean())


def superclass_of(fine: np.ndarray) -> np.ndarray:
    """The fakes' map: superclass i holds i, i + 20, i + 40, i + 60 and i + 80."""
    return fine % 20


def write_pickle(path: Path, content: dict, protocol: int = 2) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(content, protocol=protocol))


def write_torch_pickle(path: Path, content: dict | bytes) -> None:
    """What torch.save writes for a dictionary without tensors."""
    data = content if isinstance(content, bytes) else pickle.dumps(content, protocol=2)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{path.stem}/data.pkl", data)
        archive.writestr(f"{path.stem}/version", "3\n")


def fine_labels(form: CifarFormat, count: int, seed: int) -> np.ndarray:
    labels = np.arange(count) % form.num_classes
    return np.random.default_rng(seed).permutation(labels)


def part(form: CifarFormat, labels: np.ndarray) -> dict:
    pixels = np.random.default_rng(len(labels)).integers(0, 256, (len(labels), 3072), np.uint8)
    content = {b"data": pixels, form.label_key.encode(): labels.tolist()}
    if form.coarse_key:
        content[form.coarse_key.encode()] = superclass_of(labels).tolist()
    return content


def write_cifar(root: Path, form: CifarFormat) -> np.ndarray:
    """Write images and meta data; returns the training labels."""
    folder = root / form.folder
    train = fine_labels(form, form.train_count, seed=1)
    pieces = np.split(train, len(form.train_files))
    for name, labels in zip(form.train_files, pieces, strict=True):
        write_pickle(folder / name, part(form, labels))
    test = fine_labels(form, form.test_count, seed=2)
    write_pickle(folder / form.test_file, part(form, test))
    names = CIFAR10_CLASSES if form.num_classes == 10 else [f"fine{i}" for i in range(100)]
    meta = {form.names_key: names}
    if form.coarse_names_key:
        meta[form.coarse_names_key] = [f"coarse{i}" for i in range(20)]
    write_pickle(folder / form.meta_file, meta)
    return train


def human100(clean: np.ndarray, *, wrong: int = 120) -> dict:
    """A CIFAR-100N label file's content, with `wrong` labels moved to the next class."""
    noisy = clean.copy()
    noisy[:wrong] = (noisy[:wrong] + 1) % 100
    return {
        "clean_label": clean,
        "noisy_label": noisy,
        "clean_coarse_label": superclass_of(clean).tolist(),
        "noisy_coarse_label": superclass_of(noisy).tolist(),
    }


def human10(clean: np.ndarray) -> dict:
    """A CIFAR-10N label file's content; each key has its own number of wrong labels."""
    content = {"clean_label": clean}
    for wrong, key in enumerate(sorted(CIFAR10N.keys.values()), start=1):
        noisy = clean.copy()
        noisy[: 10 * wrong] = (noisy[: 10 * wrong] + 1) % 10
        content[key] = noisy
    return content


def cifar100_folder(root: Path) -> np.ndarray:
    """A complete small CIFAR-100N folder; returns the training labels."""
    clean = write_cifar(root, SMALL_CIFAR100)
    write_torch_pickle(root / CIFAR100N.file, human100(clean))
    return clean


def cifar10_folder(root: Path) -> np.ndarray:
    """A complete small CIFAR-10N folder; returns the training labels."""
    clean = write_cifar(root, SMALL_CIFAR10)
    write_torch_pickle(root / CIFAR10N.file, human10(clean))
    return clean
