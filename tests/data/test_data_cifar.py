import pickle
from dataclasses import replace

import numpy as np
import pytest
from data_fakes import (
    SMALL_CIFAR10,
    SMALL_CIFAR100,
    cifar10_folder,
    cifar100_folder,
    part,
    superclass_of,
    write_cifar,
    write_pickle,
)

from lnlbench.data.checksum import file_checksum
from lnlbench.data.cifar import CIFAR10, CIFAR100, read_cifar
from lnlbench.data.human import CIFAR10N, CIFAR100N
from lnlbench.data.load import load_cifar
from lnlbench.errors import DataError


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", str(tmp_path / "cache"))


def rewrite(path, change):
    content = pickle.loads(path.read_bytes())
    change(content)
    write_pickle(path, content)


def test_images_and_labels_are_those_in_the_files(tmp_path):
    clean = write_cifar(tmp_path, SMALL_CIFAR100)
    found = read_cifar(tmp_path, SMALL_CIFAR100)
    written = pickle.loads((tmp_path / "cifar-100-python/train").read_bytes())[b"data"]
    assert found.train_images.shape == (400, 3, 32, 32)
    assert np.array_equal(found.train_images.reshape(400, -1), written)
    assert np.array_equal(found.train_labels, clean)
    assert found.superclasses == tuple(superclass_of(np.arange(100)))
    assert found.classes[99] == "fine99"


def test_cifar10_batches_are_joined_in_their_order(tmp_path):
    clean = write_cifar(tmp_path, SMALL_CIFAR10)
    found = read_cifar(tmp_path, SMALL_CIFAR10)
    assert np.array_equal(found.train_labels, clean)
    last = pickle.loads((tmp_path / "cifar-10-batches-py/data_batch_5").read_bytes())[b"data"]
    assert np.array_equal(found.train_images[80:].reshape(20, -1), last)
    assert found.superclasses == ()


def test_a_data_set_has_tensors_of_the_promised_types(tmp_path):
    import torch

    clean = cifar100_folder(tmp_path)
    dataset = load_cifar("cifar100", tmp_path, SMALL_CIFAR100, CIFAR100N)
    assert dataset.train_images.dtype == torch.uint8
    assert dataset.test_images.shape == (200, 3, 32, 32)
    assert dataset.train_labels.dtype == torch.int64
    assert dataset.train_labels.tolist() == clean.tolist()
    assert dataset.num_classes == 100
    assert (dataset.mean, dataset.std) == (CIFAR100.mean, CIFAR100.std)
    assert list(dataset.human_labels) == ["noisy-fine"]
    assert (dataset.human_labels["noisy-fine"] != dataset.train_labels).sum() == 120


def test_coarse_labels_are_derived_from_fine_ones(tmp_path):
    clean = cifar100_folder(tmp_path)
    coarse = load_cifar("cifar100-coarse", tmp_path, SMALL_CIFAR100, CIFAR100N)
    assert coarse.num_classes == 20
    assert coarse.classes[3] == "coarse3"
    assert coarse.train_labels.tolist() == superclass_of(clean).tolist()
    assert coarse.test_labels.max() == 19
    assert list(coarse.human_labels) == ["noisy-coarse"]
    assert coarse.superclasses is None


def test_cifar10_has_its_own_normalization_and_five_human_labels(tmp_path):
    cifar10_folder(tmp_path)
    dataset = load_cifar("cifar10", tmp_path, SMALL_CIFAR10, CIFAR10N)
    assert dataset.mean == (0.4914, 0.4822, 0.4465)
    assert dataset.std == (0.2470, 0.2435, 0.2616)
    rates = {
        name: float((labels != dataset.train_labels).double().mean())
        for name, labels in dataset.human_labels.items()
    }
    # the fake's keys in alphabetical order: aggre, random 1 to 3, worse
    assert rates == {"aggre": 0.1, "random1": 0.2, "random2": 0.3, "random3": 0.4, "worst": 0.5}


def test_files_with_other_bytes_are_accepted_and_noted(tmp_path):
    cifar100_folder(tmp_path)
    dataset = load_cifar("cifar100", tmp_path, SMALL_CIFAR100, CIFAR100N)
    assert "checksum not verified" in dataset.notes[0]
    assert "label file is not the published one" in dataset.notes[1]
    assert str(tmp_path) not in " ".join(dataset.notes)


def test_files_with_the_published_bytes_need_no_note(tmp_path):
    cifar100_folder(tmp_path)
    folder = tmp_path / "cifar-100-python"
    checksums = {name: file_checksum(folder / name, "md5") for name in ("train", "test", "meta")}
    form = replace(SMALL_CIFAR100, checksums=checksums)
    labels = replace(CIFAR100N, checksum=file_checksum(tmp_path / CIFAR100N.file, "sha256"))
    assert load_cifar("cifar100", tmp_path, form, labels).notes == ()


DAMAGE = {
    "pixels of another type": (
        lambda c: c.update({b"data": c[b"data"].astype(np.int64)}),
        r"'data' must be uint8 \(N, 3072\); found int64",
    ),
    "pixels of another shape": (
        lambda c: c.update({b"data": c[b"data"][:, :-1]}),
        r"found uint8 \(400, 3071\)",
    ),
    "pixels flattened": (lambda c: c.update({b"data": c[b"data"].ravel()}), "must be uint8"),
    "no pixels": (lambda c: c.pop(b"data"), "'data' must be uint8"),
    "pixels as text": (lambda c: c.update({b"data": "pixels"}), "found 'pixels'"),
    "a label too few": (
        lambda c: c[b"fine_labels"].pop(),
        "'fine_labels' has 399 entries; 400 are expected",
    ),
    "a label out of range": (
        lambda c: c[b"fine_labels"].__setitem__(7, 100),
        r"'fine_labels'\[7\] is 100; allowed are 0 to 99",
    ),
    "a negative label": (lambda c: c[b"fine_labels"].__setitem__(0, -1), "allowed are 0 to 99"),
    "an enormous label": (lambda c: c[b"fine_labels"].__setitem__(0, 2**80), "allowed are 0"),
    "labels of another type": (
        lambda c: c[b"fine_labels"].__setitem__(0, "cat"),
        "must be a list of whole numbers",
    ),
    "no labels": (lambda c: c.pop(b"fine_labels"), "has no 'fine_labels'; it has coarse_labels"),
    "uneven classes": (
        lambda c: c[b"fine_labels"].__setitem__(slice(None), [0] * 400),
        "class 0 has 400 training images; each class must have 4",
    ),
    "a coarse label that disagrees": (
        lambda c: c[b"coarse_labels"].__setitem__(5, (c[b"coarse_labels"][5] + 1) % 20),
        "must lie in one superclass",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_wrong_contents_are_refused_naming_the_place(tmp_path, damage):
    change, message = DAMAGE[damage]
    write_cifar(tmp_path, SMALL_CIFAR100)
    rewrite(tmp_path / "cifar-100-python/train", change)
    with pytest.raises(DataError, match=message) as caught:
        read_cifar(tmp_path, SMALL_CIFAR100)
    assert str(tmp_path / "cifar-100-python") in str(caught.value)


def test_a_shorter_data_set_is_refused(tmp_path):
    write_cifar(tmp_path, SMALL_CIFAR100)
    with pytest.raises(DataError, match="has 400 training images; 50000 are expected"):
        read_cifar(tmp_path, CIFAR100)


def test_merged_superclasses_are_refused(tmp_path):
    write_cifar(tmp_path, SMALL_CIFAR100)
    for name in ("train", "test"):
        rewrite(
            tmp_path / "cifar-100-python" / name,
            lambda c: c.update({b"coarse_labels": [v % 12 for v in c[b"coarse_labels"]]}),
        )
    with pytest.raises(DataError, match="12 superclasses; 20 expected"):
        read_cifar(tmp_path, SMALL_CIFAR100)


@pytest.mark.parametrize("names", [["a"] * 100, ["a"], None, "text"])
def test_class_names_must_be_complete_and_distinct(tmp_path, names):
    write_cifar(tmp_path, SMALL_CIFAR100)
    rewrite(tmp_path / "cifar-100-python/meta", lambda c: c.update(fine_label_names=names))
    with pytest.raises(DataError, match="100 distinct names"):
        read_cifar(tmp_path, SMALL_CIFAR100)


def test_the_full_size_is_what_load_dataset_accepts(tmp_path):
    from lnlbench.data import load_dataset

    clean = np.arange(50_000) % 10
    folder = tmp_path / CIFAR10.folder
    for name in CIFAR10.train_files:
        content = part(SMALL_CIFAR10, np.arange(10))
        content |= {b"data": np.zeros((10_000, 3072), np.uint8), b"labels": clean[:10_000].tolist()}
        write_pickle(folder / name, content)
        write_pickle(folder / "test_batch", content)
    from data_fakes import CIFAR10_CLASSES, human10, write_torch_pickle

    write_pickle(folder / "batches.meta", {"label_names": CIFAR10_CLASSES})
    write_torch_pickle(tmp_path / CIFAR10N.file, human10(clean))
    dataset = load_dataset("cifar10n", tmp_path)
    assert dataset.name == "cifar10"
    assert dataset.train_images.shape == (50_000, 3, 32, 32)
    assert dataset.test_labels.bincount().tolist() == [1000] * 10
