"""Each generator has the statistics of the published one, which slow_noise writes out.

The tests compare the share of wrong labels, the share of a class's errors that its commonest wrong
class takes, and the effective number of wrong classes; both sides are means over seeds.
"""

import math
import random

import numpy as np
import pytest
import slow_noise
import torch

from lnlbench.data.dataset import Dataset
from lnlbench.noise import apply_noise
from lnlbench.noise.instance import instance_dependent_labels

CIFAR10 = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
SEEDS = range(6)


def fake(classes, per_class):
    """Images with the brightness and the smoothness of photographs, and the names of CIFAR."""
    normal = np.random.default_rng(0)
    coarse = normal.normal(size=(classes * per_class, 3, 2, 2))
    smooth = coarse.repeat(4, axis=2).repeat(4, axis=3)
    pixels = 120 + 45 * smooth + 20 * normal.normal(size=smooth.shape)
    labels = torch.arange(classes).repeat(per_class)
    images = torch.from_numpy(pixels.clip(0, 255).astype(np.uint8))
    like_cifar10 = classes == 10
    return Dataset(
        name="cifar10" if like_cifar10 else "cifar100",
        train_images=images,
        train_labels=labels,
        test_images=images[:1],
        test_labels=labels[:1],
        classes=CIFAR10 if like_cifar10 else tuple(f"c{i}" for i in range(classes)),
        superclasses=None if like_cifar10 else tuple(i % 20 for i in range(classes)),
        mean=(0.5, 0.5, 0.5),
        std=(0.25, 0.25, 0.25),
    )


LIKE_CIFAR10 = fake(10, 500)
LIKE_CIFAR100 = fake(100, 100)


def slow_labels(kind, rate, data, seed):
    """The noise in question, drawn by the slow version."""
    draw = random.Random(seed)
    clean, classes = data.train_labels.tolist(), data.num_classes
    if kind == "instance":
        pixels = data.train_images.flatten(1).double().numpy()
        return slow_noise.instance(pixels, clean, classes, rate, draw)
    if kind == "symmetric":
        return slow_noise.redrawn(clean, classes, rate, draw)
    if kind == "symmetric-other":
        return slow_noise.to_another(clean, classes, rate, draw)
    targets = {
        "pairflip": {i: (i + 1) % classes for i in range(classes)},
        # truck to automobile, bird to airplane, deer to horse, cat to dog and back
        "asymmetric": {9: 1, 2: 0, 4: 7, 3: 5, 5: 3},
        "asymmetric-superclass": {i: (i + 20) % 100 for i in range(100)},
        "asymmetric-block": {i: i + 1 if i % 5 < 4 else i - 4 for i in range(100)},
    }
    return slow_noise.mapped(clean, targets[kind], rate, draw)


def fast_labels(kind, rate, data, seed):
    return apply_noise(f"{kind}:{rate}", data, seed).labels.tolist()


def measured(draw, data):
    """Statistics [seeds, 3] of one side."""
    clean = data.train_labels.tolist()
    return np.array([slow_noise.statistics(clean, draw(seed)) for seed in SEEDS])


KINDS = [
    *((kind, LIKE_CIFAR10) for kind in ("symmetric", "symmetric-other", "asymmetric")),
    *((kind, LIKE_CIFAR100) for kind in ("symmetric", "symmetric-other", "pairflip")),
    *((kind, LIKE_CIFAR100) for kind in ("asymmetric-superclass", "asymmetric-block")),
    ("instance", LIKE_CIFAR10),
    ("instance", LIKE_CIFAR100),
]


@pytest.mark.parametrize("rate", [0.2, 0.4])
@pytest.mark.parametrize(("kind", "data"), KINDS, ids=lambda each: getattr(each, "name", each))
def test_a_generator_has_the_statistics_of_the_published_one(kind, data, rate):
    slow = measured(lambda seed: slow_labels(kind, rate, data, seed), data)
    fast = measured(lambda seed: fast_labels(kind, rate, data, seed), data)
    assert (slow_noise.distance(slow, fast) < 5).all(), (slow.mean(0), fast.mean(0))


def test_normalized_pixels_would_be_another_noise():
    # The comparison must be able to fail: with scaled pixels the softmax is not one-hot.
    data = LIKE_CIFAR10
    pixels = (data.train_images.flatten(1).double().numpy() / 255 - 0.5) / 0.25
    clean = data.train_labels.numpy()

    def normalized(seed):
        draw = np.random.default_rng(seed)
        return instance_dependent_labels(pixels, clean, 10, 0.4, draw).tolist()

    slow = measured(lambda seed: slow_labels("instance", 0.4, data, seed), data)
    rate, share, number = slow_noise.distance(slow, measured(normalized, data))
    assert rate < 5 < min(share, number)


def test_the_truncation_raises_the_mean_of_small_rates():
    found = [fast_labels("instance", 0.1, LIKE_CIFAR10, seed) for seed in SEEDS]
    clean = LIKE_CIFAR10.train_labels.tolist()
    realized = np.mean([slow_noise.statistics(clean, noisy)[0] for noisy in found])
    # The mean of a normal around 0.1 with deviation 0.1, cut off at -1 and 9 deviations.
    density, mass = math.exp(-0.5) / math.sqrt(2 * math.pi), 0.5 * (1 + math.erf(1 / math.sqrt(2)))
    assert realized == pytest.approx(0.1 + 0.1 * density / mass, abs=0.01)
