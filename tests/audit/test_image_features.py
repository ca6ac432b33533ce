"""Images to features: each row by its own image, unreadable ones left out, resumed after a stop."""

import contextlib
import threading

import numpy as np
import pytest
import torch
from pretrained import BACKBONE, pretrained_file

from lnlbench.audit.features import FeatureNetwork, image_features
from lnlbench.audit.samples import image_samples
from lnlbench.data.collection import Collection
from lnlbench.errors import UsageError
from lnlbench.networks.frozen import FrozenBackbone
from lnlbench.networks.weight_sources import WeightSources

COUNT, BAD = 270, 3
CPU = torch.device("cpu")


class Images:
    """Random images of two labels, one of them unreadable; notes which rows are read."""

    def __init__(self):
        self.pixels = np.random.default_rng(0).integers(0, 256, (COUNT, 3, 32, 32)).astype(np.uint8)
        self.pixels[BAD] = 0
        self.read_rows = []

    def read(self, rows):
        self.read_rows += rows
        return self.pixels[list(rows)], [(row, "not an image") for row in rows if row == BAD]

    def collection(self):
        paths = tuple(f"{number}.png" for number in range(COUNT))
        labels = tuple("ab"[number % 2] for number in range(COUNT))
        return Collection(paths, labels, self.read, "identity", left_out=(("x.txt", "no label"),))


@contextlib.contextmanager
def quiet(title, total):
    yield lambda done: None


@contextlib.contextmanager
def stopping(title, total):
    def show(done):
        if done >= 250:
            raise KeyboardInterrupt

    yield show


@pytest.fixture
def network(tmp_path):
    return FeatureNetwork.of(BACKBONE, 32, WeightSources(pretrained_file(tmp_path)))


def test_samples_are_the_readable_images_with_features_of_their_own(network):
    images = Images()
    samples = image_samples(images.collection(), network, CPU, quiet)
    assert len(samples.labels) == COUNT - 1
    assert samples.left_out == (("x.txt", "no label"), ("3.png", "not an image"))
    assert samples.paths[BAD] == "4.png"
    backbone = FrozenBackbone(BACKBONE, network.weights.tensors, network.preprocessing, "fp32", CPU)
    for row in (0, BAD, COUNT - 2):
        image = images.pixels[int(samples.paths[row].removesuffix(".png"))]
        expected = backbone(torch.from_numpy(image[None]))[0]
        torch.testing.assert_close(samples.features[row], expected, atol=2e-3, rtol=2e-3)
        assert (samples.picture([row])[0] == image).all()


def test_images_are_read_in_chunks_so_that_memory_does_not_grow_with_their_number(network):
    class Counted(Images):
        most = 0

        def read(self, rows):
            self.most = max(self.most, len(rows))
            return super().read(rows)

    images = Counted()
    image_features(images.collection(), network, CPU, quiet)
    assert images.most == 250 < COUNT


def test_a_stopped_computation_resumes_and_a_finished_one_is_not_repeated(network):
    images = Images()
    collection = images.collection()
    with pytest.raises(KeyboardInterrupt):
        image_features(collection, network, CPU, stopping)
    images.read_rows.clear()
    features, unreadable = image_features(collection, network, CPU, quiet)
    assert images.read_rows == list(range(250, COUNT))
    assert unreadable == [BAD]
    images.read_rows.clear()
    again, _ = image_features(collection, network, CPU, quiet)
    assert images.read_rows == []
    torch.testing.assert_close(again, features, equal_nan=True)


def test_two_audits_at_once_compute_each_feature_once(network):
    class Shared(Images):
        second = None

        def read(self, rows):
            if self.second is None:
                call = threading.Thread(
                    target=image_features, args=(collection, network, CPU, quiet)
                )
                self.second = call
                call.start()
                call.join(0.5)
                assert call.is_alive()
            return super().read(rows)

    images = Shared()
    collection = images.collection()
    features, _ = image_features(collection, network, CPU, quiet)
    images.second.join(20)
    assert images.read_rows == list(range(COUNT))
    again, _ = image_features(collection, network, CPU, quiet)
    assert images.read_rows == list(range(COUNT))
    torch.testing.assert_close(again, features, equal_nan=True)


def test_without_a_plugin_the_error_says_how_to_get_a_network():
    with pytest.raises(UsageError, match="pip install -e plugins/lnlbench-efficientnet-lite"):
        FeatureNetwork.of(None, None, WeightSources())
