"""The tracks of CIFAR-10N: those of CIFAR-100N with other data, and labels that the files hold."""

import pytest
import torch
from data_fakes import SMALL_CIFAR10, cifar10_folder

from lnlbench.data.human import CIFAR10N
from lnlbench.data.load import load_cifar
from lnlbench.data.names import DATASETS
from lnlbench.noise.apply import apply_noise
from lnlbench.tracks import load_track, track_names

TRACKS = [name for name in track_names() if name.startswith("cifar10n-")]


def test_there_are_the_three_kinds_of_labels():
    noises = [load_track(name).protocol.noise for name in TRACKS if "embedding" in name]
    assert noises == ["aggre", "random1", "worst"]


@pytest.mark.parametrize("name", TRACKS)
def test_a_track_differs_from_that_of_cifar100n_in_its_data_alone(name, tmp_path):
    track = load_track(name)
    sibling = load_track("cifar100n-embedding" if "embedding" in name else "cifar100n-resnet34")
    data = {"dataset": track.protocol.dataset, "noise": track.protocol.noise}
    assert track.protocol == sibling.protocol.model_copy(update=data)
    assert track.protocol.noise in DATASETS["cifar10"].human_noise
    cifar10_folder(tmp_path)
    dataset = load_cifar("cifar10", tmp_path, SMALL_CIFAR10, CIFAR10N)
    noisy = apply_noise(track.protocol.noise, dataset, track.protocol.noise_seed)
    assert torch.equal(noisy.labels, dataset.human_labels[track.protocol.noise])
