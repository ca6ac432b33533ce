import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from data_fakes import wrong_share
from hypothesis import given, settings
from hypothesis import strategies as st

from lnlbench.data import load_dataset
from lnlbench.data.dataset import Dataset
from lnlbench.errors import UsageError
from lnlbench.noise import apply_noise, empirical_transition_matrix
from lnlbench.noise.instance import flip_rates, instance_dependent_labels

CIFAR10 = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
SYNTHETIC = ["symmetric", "symmetric-other", "pairflip", "instance"]


def dataset(classes=10, per_class=300, *, name="plain", **more):
    labels = torch.arange(classes).repeat(per_class)
    random = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (len(labels), 3, 4, 4), generator=random, dtype=torch.uint8)
    return Dataset(
        name=name,
        train_images=images,
        train_labels=labels,
        test_images=images[:1],
        test_labels=labels[:1],
        classes=more.pop("class_names", tuple(f"c{i}" for i in range(classes))),
        mean=(0.5, 0.5, 0.5),
        std=(0.25, 0.25, 0.25),
        **more,
    )


PLAIN = dataset()


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


@pytest.mark.parametrize("kind", SYNTHETIC)
@settings(max_examples=15)
@given(rate=st.floats(0, 0.99), seed=st.integers(0, 2**31))
def test_labels_are_valid_and_hashed_truly(kind, rate, seed):
    noisy = apply_noise(f"{kind}:{rate}", PLAIN, seed)
    assert noisy.labels.dtype == torch.int64
    assert noisy.labels.shape == PLAIN.train_labels.shape
    assert noisy.labels.min() >= 0 and noisy.labels.max() < 10
    assert noisy.sha256 == hashlib.sha256(noisy.labels.numpy().astype("<i8").tobytes()).hexdigest()


EXPECTED = {
    "symmetric": lambda rate: rate * 0.9,
    "symmetric-other": lambda rate: rate,
    "pairflip": lambda rate: rate,
    "instance": lambda rate: rate,
}


@pytest.mark.parametrize("kind", SYNTHETIC)
@settings(max_examples=15)
@given(rate=st.floats(0.25, 0.75), seed=st.integers(0, 1000))
def test_the_realized_rate_is_the_expected_one(kind, rate, seed):
    # 3,000 samples: the standard deviation is below 0.0092
    realized = wrong_share(apply_noise(f"{kind}:{rate}", PLAIN, seed), PLAIN)
    assert realized == pytest.approx(EXPECTED[kind](rate), abs=0.05)


@pytest.mark.parametrize("kind", SYNTHETIC)
def test_a_seed_decides_the_labels(kind):
    first, again, other = (apply_noise(f"{kind}:0.4", PLAIN, seed) for seed in (1, 1, 2))
    assert first.labels.equal(again.labels) and first.sha256 == again.sha256
    assert not first.labels.equal(other.labels) and first.sha256 != other.sha256


def test_global_random_states_do_not_matter():
    np.random.seed(0)
    torch.manual_seed(0)
    first = apply_noise("instance:0.4", PLAIN, 3)
    np.random.seed(1)
    torch.manual_seed(1)
    assert apply_noise("instance:0.4", PLAIN, 3).sha256 == first.sha256


@pytest.mark.parametrize("kind", SYNTHETIC)
def test_rate_zero_changes_nothing(kind):
    noisy = apply_noise(f"{kind}:0", PLAIN, 0)
    assert noisy.labels.equal(PLAIN.train_labels)


def test_clean_labels_are_a_copy():
    noisy = apply_noise("clean", PLAIN, 0)
    assert noisy.labels.equal(PLAIN.train_labels)
    noisy.labels[0] = 5
    assert PLAIN.train_labels[0] == 0


def test_published_labels_do_not_change(digits):
    # A track's numbers hold for these labels only: a change of the draw must be seen.
    noisy = apply_noise("symmetric:0.4", digits, 0)
    assert noisy.sha256 == "ada66ffff4d8be40df5a3471991bbbf171d495de407e4f01f98592ad029eb1fa"
    assert wrong_share(noisy, digits) == 485 / 1297


def test_human_labels_are_given_back_unchanged():
    human = torch.arange(10).repeat(300).roll(1)
    noisy = apply_noise("worst", dataset(human_labels={"worst": human}), 0)
    assert noisy.labels.equal(human)
    noisy.labels[0] = 0
    assert human[0] == 9


def test_human_labels_that_are_not_there_are_an_error():
    with pytest.raises(UsageError, match=r"'worst' belongs to --dataset cifar10"):
        apply_noise("worst", PLAIN, 0)
    with pytest.raises(UsageError, match="'plain' has none"):
        apply_noise("matched", PLAIN, 0)


def test_matched_noise_has_the_human_matrix_but_not_the_human_labels():
    random = np.random.default_rng(0)
    clean = dataset(4, 5000)
    human = torch.where(
        torch.from_numpy(random.random(20_000) < 0.3), clean.train_labels % 2, clean.train_labels
    )
    data = replace(clean, human_labels={"noisy-fine": human})
    noisy = apply_noise("matched", data, 0)
    wanted = empirical_transition_matrix(clean.train_labels, human, 4)
    found = empirical_transition_matrix(clean.train_labels, noisy.labels, 4)
    assert np.abs(found - wanted).max() < 0.03
    assert not noisy.labels.equal(human)


def test_matched_noise_of_several_must_be_named():
    labels = PLAIN.train_labels
    data = dataset(human_labels={"worst": labels.roll(1), "aggre": labels})
    with pytest.raises(UsageError, match="say which: matched:aggre, matched:worst"):
        apply_noise("matched", data, 0)
    assert wrong_share(apply_noise("matched:aggre", data, 0), data) == 0
    assert wrong_share(apply_noise("matched:worst", data, 0), data) == 1


def test_asymmetric_cifar10_follows_the_map():
    data = dataset(name="cifar10", class_names=CIFAR10)
    noisy = apply_noise("asymmetric:0.4", data, 0)
    matrix = empirical_transition_matrix(data.train_labels, noisy.labels, 10)
    targets = {9: 1, 2: 0, 4: 7, 3: 5, 5: 3}
    for source in range(10):
        target = targets.get(source, source)
        assert matrix[source, [source, target]].max() > 0.5
        assert matrix[source, source] + matrix[source, target] * (target != source) == 1
        assert matrix[source, target] == pytest.approx(0.4 if target != source else 1, abs=0.12)


def test_asymmetric_cifar100_stays_in_the_superclass():
    superclasses = tuple(i % 20 for i in range(100))
    data = dataset(100, 30, name="cifar100", superclasses=superclasses)
    noisy = apply_noise("asymmetric-superclass:0.5", data, 0)
    wrong = noisy.labels != data.train_labels
    assert wrong_share(noisy, data) == pytest.approx(0.5, abs=0.05)
    assert noisy.labels[wrong].equal((data.train_labels[wrong] + 20) % 100)


def test_asymmetric_block_cifar100_stays_in_five_consecutive_ids():
    data = dataset(100, 30, name="cifar100", superclasses=tuple(i % 20 for i in range(100)))
    noisy = apply_noise("asymmetric-block:0.5", data, 0)
    wrong = noisy.labels != data.train_labels
    assert wrong_share(noisy, data) == pytest.approx(0.5, abs=0.05)
    clean = data.train_labels[wrong]
    assert noisy.labels[wrong].equal(torch.where(clean % 5 == 4, clean - 4, clean + 1))


def test_a_map_of_another_data_set_is_refused_and_the_own_ones_are_named():
    data = dataset(100, 3, name="cifar100", superclasses=tuple(i % 20 for i in range(100)))
    with pytest.raises(UsageError, match=r"'asymmetric-superclass:0\.4'.*'asymmetric-block:0\.4'"):
        apply_noise("asymmetric:0.4", data, 0)
    with pytest.raises(UsageError, match=r"'asymmetric:0\.4'"):
        apply_noise("asymmetric-block:0.4", dataset(name="cifar10", class_names=CIFAR10), 0)


def test_asymmetric_noise_without_a_map_is_an_error(digits):
    with pytest.raises(UsageError, match="pairflip"):
        apply_noise("asymmetric:0.4", digits, 0)


def test_a_negative_seed_is_an_error():
    with pytest.raises(UsageError, match="given -1"):
        apply_noise("symmetric:0.4", PLAIN, -1)


def test_instance_noise_depends_on_the_image(digits):
    noisy = apply_noise("instance:0.4", digits, 0)
    assert wrong_share(noisy, digits) == pytest.approx(0.4, abs=0.05)
    other = replace(digits, train_images=digits.train_images.roll(1, dims=0))
    moved = apply_noise("instance:0.4", other, 0)
    both = (noisy.labels != digits.train_labels) & (moved.labels != digits.train_labels)
    assert both.sum() > 100
    assert (noisy.labels[both] != moved.labels[both]).float().mean() > 0.3


def test_instance_noise_flips_equal_images_alike():
    features = np.repeat(np.random.default_rng(0).standard_normal((1, 300)), 2000, axis=0)
    clean = np.zeros(2000, dtype=np.int64)
    noisy = instance_dependent_labels(features, clean, 10, 0.5, np.random.default_rng(0))
    flipped = noisy[noisy != 0]
    assert len(flipped) > 800
    assert np.bincount(flipped).max() / len(flipped) > 0.9


@given(st.floats(0.01, 0.99))
@settings(max_examples=20)
def test_flip_rates_are_a_truncated_normal(rate):
    from scipy.stats import kstest, truncnorm

    found = flip_rates(2000, rate, np.random.default_rng(0))
    assert found.min() >= 0 and found.max() <= 1
    exact = truncnorm(-rate / 0.1, (1 - rate) / 0.1, loc=rate, scale=0.1)
    assert kstest(found, exact.cdf).pvalue > 1e-4
