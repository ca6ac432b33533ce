"""The noises on the published images: LNLBENCH_DATA_DIR names a folder that has them."""

import os
import random

import numpy as np
import pytest
import slow_noise
import torch

from lnlbench.data import load_dataset
from lnlbench.noise import apply_noise
from lnlbench.noise.instance import instance_dependent_labels

pytestmark = [
    pytest.mark.cifar,
    pytest.mark.skipif(
        not os.environ.get("LNLBENCH_DATA_DIR"),
        reason="LNLBENCH_DATA_DIR does not name a folder with CIFAR",
    ),
]
SEEDS = range(4)


@pytest.fixture(scope="module")
def cifar100(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LNLBENCH_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield load_dataset("cifar100")


def test_instance_noise_has_the_statistics_of_the_published_one(cifar100):
    # Ten of the hundred classes, so that the slow version takes seconds.
    chosen = (cifar100.train_labels < 10).nonzero().flatten()
    labels = cifar100.train_labels[chosen].numpy()
    pixels = cifar100.train_images[chosen].flatten(1).double().numpy()
    clean = labels.tolist()
    slow = [slow_noise.instance(pixels, clean, 100, 0.4, random.Random(seed)) for seed in SEEDS]
    fast = [
        instance_dependent_labels(pixels, labels, 100, 0.4, np.random.default_rng(seed)).tolist()
        for seed in SEEDS
    ]
    sides = [[slow_noise.statistics(clean, noisy) for noisy in side] for side in (slow, fast)]
    assert (slow_noise.distance(*sides) < 5).all(), sides


def test_instance_noise_has_the_documented_statistics(cifar100):
    noisy = apply_noise("instance:0.4", cifar100, 0).labels.tolist()
    rate, share, number = slow_noise.statistics(cifar100.train_labels.tolist(), noisy)
    assert rate == pytest.approx(0.400, abs=0.01)
    assert share == pytest.approx(0.53, abs=0.05)
    assert number == pytest.approx(4.9, abs=0.6)


def test_human_noise_has_the_documented_statistics(cifar100):
    noisy = cifar100.human_labels["noisy-fine"].tolist()
    rate, share, number = slow_noise.statistics(cifar100.train_labels.tolist(), noisy)
    assert rate == pytest.approx(0.4020, abs=1e-4)
    assert share == pytest.approx(0.24, abs=0.005)
    assert number == pytest.approx(21.1, abs=0.05)


def test_six_of_the_hundred_block_flips_stay_in_their_superclass(cifar100):
    superclass = torch.tensor(cifar100.superclasses)
    targets = torch.tensor([i + 1 if i % 5 < 4 else i - 4 for i in range(100)])
    assert int((superclass == superclass[targets]).sum()) == 6
    clean, noisy = cifar100.train_labels, apply_noise("asymmetric-block:0.4", cifar100, 0).labels
    wrong = noisy != clean
    assert noisy[wrong].equal(targets[clean[wrong]])


def test_superclass_flips_stay_in_their_superclass(cifar100):
    superclass = torch.tensor(cifar100.superclasses)
    clean = cifar100.train_labels
    noisy = apply_noise("asymmetric-superclass:0.4", cifar100, 0).labels
    assert superclass[noisy].equal(superclass[clean])
    assert (noisy != clean).double().mean() == pytest.approx(0.4, abs=0.01)
