import numpy as np
import pytest
from data_fakes import human10, human100, superclass_of, write_torch_pickle
from hypothesis import given, settings
from hypothesis import strategies as st

from lnlbench.data.human import CIFAR10N, CIFAR100N, read_human_labels
from lnlbench.errors import DataError

CLEAN = np.random.default_rng(5).permutation(np.arange(400) % 100)
SUPERCLASSES = tuple(int(i) for i in superclass_of(np.arange(100)))


def read(folder, content, clean=CLEAN):
    write_torch_pickle(folder / CIFAR100N.file, content)
    return read_human_labels(folder, CIFAR100N, clean, 100, SUPERCLASSES)


def test_fine_and_coarse_labels_are_read(tmp_path):
    found = read(tmp_path, human100(CLEAN, wrong=100))
    assert set(found.labels) == {"noisy-fine", "noisy-coarse"}
    assert (found.labels["noisy-fine"] != CLEAN).mean() == 0.25
    assert np.array_equal(found.labels["noisy-coarse"], superclass_of(found.labels["noisy-fine"]))
    assert not found.published


def test_coarse_labels_are_derived_when_the_file_has_none(tmp_path):
    content = human100(CLEAN)
    expected = content.pop("noisy_coarse_label")
    del content["clean_coarse_label"]
    assert read(tmp_path, content).labels["noisy-coarse"].tolist() == expected


def test_a_permutation_with_the_same_sum_is_refused(tmp_path):
    content = human100(CLEAN)
    permuted = CLEAN.copy()
    permuted[[3, 77]] = permuted[[77, 3]]
    assert permuted.sum() == CLEAN.sum() and (permuted != CLEAN).sum() == 2
    with pytest.raises(DataError, match=r"at 2 of 400 indices \(first: 3, 77\)"):
        read(tmp_path, content | {"clean_label": permuted})


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_every_other_order_is_refused(tmp_path_factory, seed):
    order = np.random.default_rng(seed).permutation(len(CLEAN))
    content = human100(CLEAN)
    content = {key: np.asarray(value)[order] for key, value in content.items()}
    with pytest.raises(DataError, match="another image order"):
        read(tmp_path_factory.mktemp("labels"), content)


def test_the_file_of_2021_with_12_coarse_ids_is_refused(tmp_path):
    merged = np.arange(20)
    merged[[0, 2, 11, 3, 8, 13, 5, 6]] = [4, 14, 14, 18, 18, 18, 7, 7]
    content = human100(CLEAN)
    for key in ("clean_coarse_label", "noisy_coarse_label"):
        content[key] = merged[content[key]].tolist()
    with pytest.raises(DataError, match=r"only 12 of 20 coarse ids.*October 2021.*March 2023"):
        read(tmp_path, content)


def test_coarse_labels_of_another_numbering_are_refused(tmp_path):
    content = human100(CLEAN)
    content["clean_coarse_label"] = [(v + 1) % 20 for v in content["clean_coarse_label"]]
    with pytest.raises(DataError, match="'clean_coarse_label' differs"):
        read(tmp_path, content)


@pytest.mark.parametrize("key", ["clean_label", "noisy_label", "noisy_coarse_label"])
def test_a_wrong_length_is_refused(tmp_path, key):
    content = human100(CLEAN)
    content[key] = content[key][:-1]
    with pytest.raises(DataError, match=f"'{key}' has 399 entries; 400 are expected"):
        read(tmp_path, content)


def test_a_missing_key_names_those_that_are_there(tmp_path):
    content = human100(CLEAN)
    content["noise_label"] = content.pop("noisy_label")
    with pytest.raises(DataError, match=r"has no 'noisy_label'; it has .*noise_label"):
        read(tmp_path, content)


def test_a_label_out_of_range_is_refused(tmp_path):
    content = human100(CLEAN)
    content["noisy_label"] = np.where(np.arange(400) == 9, 100, content["noisy_label"])
    with pytest.raises(DataError, match=r"'noisy_label'\[9\] is 100"):
        read(tmp_path, content)


def test_labels_must_be_one_dimensional_whole_numbers(tmp_path):
    content = human100(CLEAN)
    with pytest.raises(DataError, match="whole numbers"):
        read(tmp_path, content | {"noisy_label": content["noisy_label"].reshape(20, 20)})
    with pytest.raises(DataError, match="whole numbers"):
        read(tmp_path, content | {"noisy_label": [0.5] * 400})


def test_the_key_worse_has_the_name_worst(tmp_path):
    clean = np.arange(100) % 10
    content = human10(clean)
    write_torch_pickle(tmp_path / CIFAR10N.file, content)
    found = read_human_labels(tmp_path, CIFAR10N, clean, 10)
    assert np.array_equal(found.labels["worst"], content["worse_label"])
    assert set(found.labels) == {"aggre", "random1", "random2", "random3", "worst"}
