import json
import logging

import numpy as np
import pytest
from data_fakes import SMALL_CIFAR100, cifar100_folder

from lnlbench.data import load as load_module
from lnlbench.data.cache import Arrays, cached
from lnlbench.data.human import CIFAR100N
from lnlbench.data.load import load_cifar


class Decoder:
    """Counts how often it is asked."""

    def __init__(self):
        self.calls = 0

    def __call__(self):
        self.calls += 1
        return Arrays({"images": np.arange(6, dtype=np.uint8).reshape(2, 3)}, {"classes": ["a"]})


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "train"
    path.write_bytes(b"first")
    return path


def look(source, tmp_path, decode):
    return cached("small", [source], tmp_path / "cache", decode)


def test_a_second_look_does_not_decode(source, tmp_path):
    decode = Decoder()
    first, second = look(source, tmp_path, decode), look(source, tmp_path, decode)
    assert decode.calls == 1
    assert np.array_equal(first.arrays["images"], second.arrays["images"])
    assert second.facts == {"classes": ["a"]}
    assert isinstance(second.arrays["images"], np.memmap)


def test_a_changed_source_is_decoded_again_into_the_same_place(source, tmp_path):
    decode = Decoder()
    look(source, tmp_path, decode)
    source.write_bytes(b"second")
    look(source, tmp_path, decode)
    assert decode.calls == 2
    assert len(list((tmp_path / "cache").iterdir())) == 1


def damage_bytes(entry):
    path = entry / "images.npy"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))


def damage_length(entry):
    path = entry / "images.npy"
    path.write_bytes(path.read_bytes()[:-2])


def damage_manifest(entry):
    (entry / "manifest.json").write_text("{")


def drop_keys(entry):
    (entry / "manifest.json").write_text(json.dumps({"format": 1}))


def drop_array(entry):
    (entry / "images.npy").unlink()


@pytest.mark.parametrize(
    "damage", [damage_bytes, damage_length, damage_manifest, drop_keys, drop_array]
)
def test_a_damaged_entry_is_made_again(source, tmp_path, damage):
    decode = Decoder()
    look(source, tmp_path, decode)
    (entry,) = (tmp_path / "cache").iterdir()
    damage(entry)
    found = look(source, tmp_path, decode)
    assert decode.calls == 2
    assert found.arrays["images"].tolist() == [[0, 1, 2], [3, 4, 5]]
    look(source, tmp_path, decode)
    assert decode.calls == 2


def test_a_cache_that_cannot_be_written_is_done_without(source, tmp_path, caplog):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING):
        found = look(source, tmp_path, Decoder())
    assert found.arrays["images"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert "was not cached" in caplog.text


def test_writing_into_a_mapped_array_does_not_change_the_cache(source, tmp_path):
    decode = Decoder()
    look(source, tmp_path, decode).arrays["images"][:] = 9
    assert look(source, tmp_path, decode).arrays["images"].max() == 5
    assert decode.calls == 1


def test_nothing_is_left_beside_the_entry(source, tmp_path):
    look(source, tmp_path, Decoder())
    names = [path.name for path in (tmp_path / "cache").iterdir()]
    assert len(names) == 1 and names[0].startswith("small-")


def test_a_cifar_folder_is_unpickled_once(tmp_path, monkeypatch):
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", str(tmp_path / "cache"))
    cifar100_folder(tmp_path)
    calls = []
    original = load_module.read_cifar
    monkeypatch.setattr(load_module, "read_cifar", lambda *args: calls.append(1) or original(*args))
    first = load_cifar("cifar100", tmp_path, SMALL_CIFAR100, CIFAR100N)
    second = load_cifar("cifar100-coarse", tmp_path, SMALL_CIFAR100, CIFAR100N)
    assert len(calls) == 1
    assert first.train_images.equal(second.train_images)
    assert second.classes[0] == "coarse0"


def test_without_a_cache_the_data_set_is_the_same(tmp_path, monkeypatch):
    cifar100_folder(tmp_path)
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", str(tmp_path / "cache"))
    with_cache = load_cifar("cifar100", tmp_path, SMALL_CIFAR100, CIFAR100N)
    (tmp_path / "blocked").write_text("")
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", str(tmp_path / "blocked"))
    without = load_cifar("cifar100", tmp_path, SMALL_CIFAR100, CIFAR100N)
    assert with_cache.train_images.equal(without.train_images)
    assert with_cache.train_labels.equal(without.train_labels)
    assert with_cache.notes == without.notes
