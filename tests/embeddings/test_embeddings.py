"""The cache of embeddings: what makes an entry, and that no byte depends on what happened to it."""

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from cli import environment
from filelock import FileLock
from frozen import CPU, NETWORK, embed, frozen_protocol, random_dataset, weights_file

from lnlbench.augment.views import ImageViews
from lnlbench.embeddings import compute
from lnlbench.embeddings.plan import CHUNK, view_seed
from lnlbench.embeddings.store import Part, locked
from lnlbench.errors import DataError, RunError, UsageError
from lnlbench.networks.frozen import FrozenBackbone
from lnlbench.networks.preprocessing import Preprocessing
from lnlbench.networks.weight_sources import WeightSources
from lnlbench.networks.weights import find_weights


@pytest.fixture
def weights(tmp_path, monkeypatch):
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", str(tmp_path / "cache"))
    return weights_file(tmp_path)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


def test_each_view_is_what_the_network_makes_of_that_crop(weights):
    dataset, protocol = random_dataset(), frozen_protocol(views=3)
    embeddings = embed(dataset, protocol, weights)
    found = find_weights(f"timm:{NETWORK}", WeightSources(weights))
    network = FrozenBackbone(
        f"timm:{NETWORK}",
        found.tensors,
        Preprocessing.of(f"timm:{NETWORK}", 32),
        "fp32",
        CPU,
    )
    views = ImageViews(dataset.train_images, dataset.mean, dataset.std, "crop-flip", CPU)
    chosen = torch.arange(CHUNK, 2 * CHUNK)  # a whole chunk: its sums round as in the cache
    assert torch.equal(embeddings.train[0][chosen], network(dataset.train_images[chosen]))
    for view in (1, 2):
        generator = torch.Generator().manual_seed(view_seed(view))
        draws = views.draw("weak", len(dataset.train_images), generator)
        expected = network(views.pixels(chosen, draws[chosen]))
        assert torch.equal(embeddings.train[view][chosen], expected)
    assert torch.equal(embeddings.test, network(dataset.test_images))
    assert embeddings.train[0].dtype == torch.float16


def test_few_images_pass_at_a_time_and_their_features_are_those_of_one_pass(weights):
    found = find_weights(f"timm:{NETWORK}", WeightSources(weights))
    preprocessing = Preprocessing.of(f"timm:{NETWORK}", 32)
    network = FrozenBackbone(f"timm:{NETWORK}", found.tensors, preprocessing, "fp32", CPU)
    images, passed = random_dataset().train_images[:120], []
    together = network._features(images)
    network.network.register_forward_pre_hook(lambda _, inputs: passed.append(len(inputs[0])))
    torch.testing.assert_close(network(images), together, atol=2e-3, rtol=2e-3)
    assert passed == [50, 50, 20]


def test_a_second_opening_computes_nothing_and_needs_no_weights(weights, monkeypatch):
    dataset = random_dataset()
    first = embed(dataset, frozen_protocol(), weights)
    monkeypatch.setattr(compute, "_features", pytest.fail)
    again = embed(dataset, frozen_protocol(), weights)
    assert (first.computed, again.computed) == (True, False)
    pinned = find_weights(f"timm:{NETWORK}", WeightSources(weights)).sha256
    without = embed(dataset, frozen_protocol(weights=pinned), None)
    assert not without.computed
    assert torch.equal(without.train[1], first.train[1])
    assert without.notes == first.notes
    assert pinned[:16] in first.notes[0]


@pytest.mark.parametrize("chunks", [0, 1, 2, 4, 6])
def test_killed_and_resumed_gives_the_same_bytes(weights, tmp_path, monkeypatch, chunks):
    dataset, protocol = random_dataset(), frozen_protocol()
    whole = contents(embed(dataset, protocol, weights).folder)
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", str(tmp_path / "other"))
    original, calls = compute._features, []

    def killed(*arguments):
        calls.append(1)
        if len(calls) > chunks:
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr(compute, "_features", killed)
    with pytest.raises(KeyboardInterrupt):
        embed(dataset, protocol, weights)
    calls.clear()
    monkeypatch.setattr(compute, "_features", lambda *each: calls.append(1) or original(*each))
    resumed = embed(dataset, protocol, weights)
    assert contents(resumed.folder) == whole
    assert len(calls) == 7 - chunks  # three chunks for each of two views, one for the test images


@pytest.mark.parametrize(
    "damage",
    [
        lambda part: part.file.write_bytes(part.file.read_bytes()[:-1]),
        lambda part: part.file.write_bytes(b"x" + part.file.read_bytes()[1:]),
        lambda part: part.file.write_bytes(part.file.read_bytes()[:-1] + b"x"),
        lambda part: part.file.unlink(),
        lambda part: part.journal.unlink(),
        lambda part: part.journal.write_text(part.journal.read_text()[:-3]),
        lambda part: part.journal.write_bytes(b"\xff\xff"),
    ],
)
def test_damage_is_noticed_when_opened_and_repaired(weights, damage):
    dataset = random_dataset(train=260, test=30)
    embeddings = embed(dataset, frozen_protocol(), weights)
    whole = contents(embeddings.folder)
    part = Part(embeddings.folder, "train-1", 260)
    damage(part)
    assert not part.complete()
    repaired = embed(dataset, frozen_protocol(), weights)
    assert repaired.computed
    assert contents(repaired.folder) == whole


@pytest.mark.parametrize("content", [None, b"{", b"[]", b"\xff", b'{"pretrained_on": 5}'])
def test_a_damaged_description_is_written_again(weights, content):
    dataset = random_dataset(train=10, test=5)
    embeddings = embed(dataset, frozen_protocol(), weights)
    whole, file = contents(embeddings.folder), embeddings.folder / "entry.json"
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    assert embed(dataset, frozen_protocol(), weights).notes == embeddings.notes
    assert contents(embeddings.folder) == whole


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_and_a_place_that_is_no_folder_are_told(tmp_path):
    (tmp_path / "part.npy").symlink_to("/dev/full")
    with pytest.raises(RunError, match=r"part\.npy: No space.*set LNLBENCH_CACHE_DIR"):
        Part(tmp_path, "part", 3).fill(lambda start, stop: np.ones((3, 2)), lambda done: None)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="set LNLBENCH_CACHE_DIR"), locked(tmp_path / "file"):
        pass


def test_whatever_decides_the_bytes_decides_the_entry(weights, tmp_path):
    dataset, protocol = random_dataset(train=10, test=5), frozen_protocol()
    other_images = random_dataset(train=10, test=5, seed=1)
    entries = [
        embed(dataset, protocol, weights),
        embed(other_images, protocol, weights),
        embed(dataset, frozen_protocol(image_size=40), weights),
        embed(dataset, protocol.model_copy(update={"augment": "crop"}), weights),
        embed(dataset, protocol, weights_file(tmp_path, seed=1)),
    ]
    assert len({entry.folder for entry in entries}) == 5


def test_more_views_are_added_to_the_same_entry(weights):
    dataset = random_dataset(train=10, test=5)
    two = contents(embed(dataset, frozen_protocol(views=2), weights).folder)
    three = contents(embed(dataset, frozen_protocol(views=3), weights).folder)
    assert three.keys() - two.keys() == {"train-2.npy", "train-2.crc32"}
    assert all(three[name] == data for name, data in two.items())


def test_a_second_process_waits_and_then_computes_nothing(weights, monkeypatch, capsys):
    dataset, protocol = random_dataset(train=10, test=5), frozen_protocol()
    folder = embed(dataset, protocol, weights).folder
    whole = contents(folder)
    (folder / "test.npy").unlink()
    found = []
    lock = FileLock(folder / ".lock")
    with lock:
        second = threading.Thread(target=lambda: found.append(embed(dataset, protocol, weights)))
        second.start()
        said = ""
        while "Another process" not in said:
            assert second.is_alive()
            second.join(0.1)
            said += capsys.readouterr().err
        assert not (folder / "test.npy").exists()
        # What the first process finishes while the second waits:
        (folder / "test.npy").write_bytes(whole["test.npy"])
        monkeypatch.setattr(compute, "_features", pytest.fail)
    second.join(20)
    assert torch.equal(found[0].test, embed(dataset, protocol, weights).test)
    assert contents(folder) == whole


def test_other_weights_than_the_spec_names_are_refused(weights):
    with pytest.raises(DataError, match=f"SHA-256 {'0' * 64}"):
        embed(random_dataset(), frozen_protocol(weights="0" * 64), weights)


def test_features_that_are_not_finite_are_refused(weights, tmp_path):
    broken = torch.load(weights)
    broken["conv_head.weight"].fill_(float("inf"))
    torch.save(broken, tmp_path / "broken.pth")
    with pytest.raises(RunError, match="infinite or NaN"):
        embed(random_dataset(), frozen_protocol(), tmp_path / "broken.pth")


def test_preprocessing_is_timms_config_and_the_size_can_be_overridden():
    preprocessing = Preprocessing.of("timm:tf_efficientnet_lite0", None)
    assert (preprocessing.image_size, preprocessing.interpolation) == (224, "bicubic")
    assert preprocessing.mean == preprocessing.std == (0.5, 0.5, 0.5)
    sized = Preprocessing.of("timm:tf_efficientnet_lite0", 48)
    images = torch.full((2, 3, 32, 32), 255, dtype=torch.uint8)
    torch.testing.assert_close(sized(images), torch.ones(2, 3, 48, 48))
    with pytest.raises(UsageError, match=r"--image-size 224"):
        Preprocessing.of("timm:vit_base_patch16_224", 32)


def test_a_later_process_knows_the_preprocessing_without_timm(tmp_path):
    program = (
        "import sys; from lnlbench.networks.preprocessing import Preprocessing; "
        "print(Preprocessing.of('timm:resnet10t', None), 'timm' in sys.modules)"
    )
    given = environment(LNLBENCH_CACHE_DIR=str(tmp_path))
    first, later = (
        subprocess.run(
            [sys.executable, "-c", program], env=given, check=True, capture_output=True, text=True
        ).stdout.split(") ")
        for _ in range(2)
    )
    assert first == [str(Preprocessing.of("timm:resnet10t", None))[:-1], "True\n"]
    assert later == [first[0], "False\n"]


@pytest.mark.parametrize("name", ["test_vit", "test_convnext", "test_resnet"])
def test_networks_of_other_kinds_embed_too(tmp_path, monkeypatch, name):
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", str(tmp_path))
    protocol = frozen_protocol(views=1, image_size=None)
    protocol = protocol.model_copy(update={"backbone": f"timm:{name}"})
    file = weights_file(tmp_path, name=name)
    embeddings = embed(random_dataset(train=4, test=2), protocol, file)
    assert embeddings.train[0].shape[0] == 4
    assert embeddings.train[0].std(0).mean() > 0


def test_cached_features_that_cannot_be_read_are_named(tmp_path):
    part = Part(tmp_path, "train-0", 4)
    part.file.mkdir()
    part.journal.touch()
    with pytest.raises(DataError, match=r"Cannot read the cached features .*: Is a dir"):
        part.complete()
