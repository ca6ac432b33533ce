"""Data sets from arrays: layouts, labels, the held-out split, and what is refused."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from lnlbench import Dataset
from lnlbench.errors import DataError, UsageError
from lnlbench.spec.content import check_dataset

LABELS = np.array([0, 1] * 5)


def images(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((10, 8, 8, 3), (3, 8, 8)),
        ((10, 3, 8, 8), (3, 8, 8)),
        ((10, 8, 8), (1, 8, 8)),
        ((10, 8, 5, 3), (3, 8, 8)),
        ((10, 1, 4, 9), (1, 9, 9)),
    ],
)
def test_images_of_every_layout_become_square_tensors(shape, expected):
    data = Dataset.from_arrays(images(*shape), LABELS, images(*shape), LABELS)
    assert data.train_images.shape == (10, *expected)
    check_dataset(data, "arrays")


@pytest.mark.parametrize(
    ("labels", "given"),
    [
        (torch.arange(10) % 3, "torch.int64 [10] from 0 to 2"),
        (torch.zeros(10), "torch.float32 [10] from 0.0 to 0.0"),
        (torch.zeros(4, dtype=torch.int64), "torch.int64 [4] from 0 to 0"),
        (LABELS, "a ndarray"),
    ],
)
def test_labels_that_do_not_fit_are_described(labels, given):
    right = Dataset.from_arrays(images(10, 8, 8), LABELS, images(10, 8, 8), LABELS)
    for name in ("train_labels", "test_labels"):
        with pytest.raises(DataError, match=re.escape(f"for each of 10 images, but {given}")):
            check_dataset(replace(right, **{name: labels}), "arrays")


def test_an_oblong_image_stands_in_the_middle_of_black():
    oblong = np.full((2, 4, 2), 200, dtype=np.uint8)
    data = Dataset.from_arrays(oblong, [0, 1], oblong, [0, 1])
    assert data.train_images[0, 0].tolist() == [[0, 200, 200, 0]] * 4


def test_pixels_are_kept_and_statistics_are_those_of_the_training_images():
    given = images(10, 6, 6, 3)
    data = Dataset.from_arrays(given, LABELS, given[:2], LABELS[:2])
    assert np.array_equal(data.train_images.numpy(), given.transpose(0, 3, 1, 2))
    assert data.mean == pytest.approx((given / 255).mean((0, 1, 2)))
    assert data.std == pytest.approx((given / 255).std((0, 1, 2)))


def test_without_a_test_split_a_share_is_held_out_by_a_seeded_rule():
    features = np.arange(40.0).reshape(20, 2)
    first, again = (Dataset.from_arrays(features, [0, 1] * 10) for _ in range(2))
    other = Dataset.from_arrays(features, [0, 1] * 10, test_seed=1)
    assert torch.equal(first.test_images, again.test_images)
    assert not torch.equal(first.test_images, other.test_images)
    together = torch.cat([first.train_images, first.test_images])
    assert sorted(together[:, 0].tolist()) == features[:, 0].tolist()
    assert first.notes == (
        "no test split was given: 4 of 20 samples, drawn with seed 0, are the test split",
    )


def test_labels_may_be_texts_and_keep_their_samples():
    features = np.arange(6.0).reshape(6, 1)
    labels = ["b", "a", "c", "a", "b", "c"]
    data = Dataset.from_arrays(features, labels, features, labels)
    assert data.classes == ("a", "b", "c")
    assert [data.classes[label] for label in data.train_labels] == labels
    assert not data.truth_known


def test_clean_labels_are_the_truth_and_the_given_ones_the_noise():
    features = np.arange(4.0).reshape(4, 1)
    data = Dataset.from_arrays(
        features, [0, 0, 1, 1], features, [0, 1, 0, 1], clean_labels=[0, 1, 0, 1]
    )
    assert data.train_labels.tolist() == [0, 1, 0, 1]
    assert data.human_labels["given"].tolist() == [0, 0, 1, 1]
    assert data.truth_known


def test_classes_that_no_sample_has_are_kept_when_named():
    data = Dataset.from_arrays(np.ones((4, 2)), [0, 1, 0, 1], classes=[0, 1, 2], test_share=0.5)
    assert data.classes == ("0", "1", "2")


def test_the_callers_arrays_stay_as_they_are():
    features = np.ones((10, 2), dtype=np.float32)
    Dataset.from_arrays(features, LABELS).train_images.zero_()
    assert features.min() == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((np.ones((10, 4, 4, 3)), LABELS), "float64 with shape"),
        ((images(10, 4, 4, 7), LABELS), "neither last nor second"),
        ((np.ones((10, 2)), LABELS[:9]), "one label for each of the 10"),
        ((np.ones((10, 0)), LABELS), "data has no features"),
        ((np.full((10, 2), np.nan), LABELS), "NaN"),
        ((np.full((10, 2), 1e300), LABELS), "very large"),
        ((np.ones((10, 2)), LABELS + np.nan), "NaN or infinite"),
        ((np.ones((2, 2)), [0, 1]), "too few"),
        ((np.ones((10, 2)), [0, "a", None] * 3 + [1]), "several kinds"),
        ((np.ones((10, 2)), LABELS, np.ones((10, 3)), LABELS), "one form and size"),
        ((np.array(["x"] * 10), LABELS), "shape [10]"),
    ],
)
def test_unfit_arrays_are_refused_by_name(arguments, said):
    with pytest.raises(DataError) as error, np.errstate(over="ignore"):
        Dataset.from_arrays(*arguments)
    assert said in str(error.value)


def test_contradictions_are_refused():
    with pytest.raises(UsageError, match="together"):
        Dataset.from_arrays(np.ones((10, 2)), LABELS, np.ones((2, 2)))
    with pytest.raises(UsageError, match="between 0 and 1"):
        Dataset.from_arrays(np.ones((10, 2)), LABELS, test_share=1.0)
    with pytest.raises(DataError, match="not among the classes"):
        Dataset.from_arrays(np.ones((10, 2)), LABELS, classes=[0, 2])
