"""Splits of a data set: which labels each part has, and what is known of the truth."""

from dataclasses import replace

import pytest
import torch

from lnlbench.data import load_dataset
from lnlbench.errors import UsageError
from lnlbench.noise import NoisyLabels, apply_noise
from lnlbench.runner.split import split_dataset
from lnlbench.tracks import load_track


@pytest.mark.parametrize(
    ("noise", "known"),
    [("clean", False), ("symmetric:0", False), ("symmetric:0.4", True), ("pairflip:0.2", True)],
)
def test_an_unknown_truth_stays_unknown_unless_labels_are_moved_at_random(noise, known):
    dataset = replace(load_dataset("digits"), truth_known=False)
    protocol = load_track("digits").protocol.model_copy(update={"noise": noise})
    split = split_dataset(dataset, apply_noise(noise, dataset, 0), protocol)
    assert split.truth_known is known


def test_a_split_holds_out_noisy_validation_and_keeps_labels_with_their_images():
    dataset = load_dataset("digits")
    noisy = apply_noise("symmetric:0.4", dataset, 0)
    protocol = load_track("digits").protocol
    changed = protocol.model_copy(update={"limit_train": 1000, "validation": 0.1, "limit_test": 50})
    split = split_dataset(dataset, noisy, changed)
    assert len(split.training.labels) == len(split.clean_labels) == 900
    assert len(split.validation.labels) == 100
    assert len(split.test.labels) == 50
    # Each image is found again in the data set, with its own labels, once.
    pixels = {row.numpy().tobytes(): number for number, row in enumerate(dataset.train_images)}
    found = [
        pixels[row.numpy().tobytes()]
        for row in torch.cat([split.training.images, split.validation.images])
    ]
    assert len(set(found)) == 1000
    assert torch.equal(
        torch.cat([split.training.labels, split.validation.labels]), noisy.labels[found]
    )
    assert torch.equal(split.clean_labels, dataset.train_labels[found[:900]])
    assert 0.2 < split.noise_rate < 0.5
    again = split_dataset(dataset, noisy, changed)
    assert torch.equal(again.training.images, split.training.images)


@pytest.mark.parametrize("noise", ["symmetric:0.4", "instance:0.4", "pairflip:0.3"])
def test_a_clean_validation_part_changes_nothing_that_is_trained_on(noise):
    dataset = load_dataset("digits")
    noisy = apply_noise(noise, dataset, 0)
    track = load_track("digits").protocol

    def split(share, labels):
        changes = {"validation": share, "validation_labels": labels}
        return split_dataset(dataset, noisy, track.model_copy(update=changes))

    usual, oracle = split(0.2, "noisy"), split(0.2, "clean")
    assert torch.equal(oracle.training.labels, usual.training.labels)
    assert torch.equal(oracle.clean_labels, usual.clean_labels)
    assert torch.equal(oracle.validation.positions, usual.validation.positions)
    held_out = oracle.validation
    assert torch.equal(held_out.labels, dataset.train_labels[held_out.positions])
    assert not torch.equal(usual.validation.labels, held_out.labels)
    assert oracle.noise_rate == usual.noise_rate > 0.1
    # A sample's noisy label is its own, whatever share is held out.
    larger = split(0.5, "clean").training
    assert torch.equal(larger.labels, noisy.labels[larger.positions])


def test_human_noise_with_clean_validation_keeps_the_clean_labels_of_that_part():
    train = torch.arange(40) % 4
    dataset = replace(
        load_dataset("digits"),
        train_images=torch.zeros(40, 3, 32, 32, dtype=torch.uint8),
        train_labels=train,
        human_labels={"lazy": (train + 1) % 4},
    )
    noisy = NoisyLabels(dataset.human_labels["lazy"], "0" * 64)
    protocol = load_track("digits").protocol
    changes = {"validation": 0.25, "validation_labels": "clean"}
    split = split_dataset(dataset, noisy, protocol.model_copy(update=changes))
    assert torch.equal(split.validation.labels, train[split.validation.positions])
    assert torch.equal(split.training.labels, (train[split.training.positions] + 1) % 4)
    assert split.noise_rate == 1.0


def test_impossible_splits_are_refused():
    dataset = load_dataset("digits")
    noisy = apply_noise("clean", dataset, 0)
    protocol = load_track("digits").protocol
    with pytest.raises(UsageError, match=r"--limit-train 5000: there are only 1297"):
        split_dataset(dataset, noisy, protocol.model_copy(update={"limit_train": 5000}))
    with pytest.raises(UsageError, match=r"--validation"):
        split_dataset(
            dataset, noisy, protocol.model_copy(update={"limit_train": 3, "validation": 0.1})
        )


def test_a_share_that_leaves_no_training_sample_is_refused():
    dataset = load_dataset("digits")
    protocol = load_track("digits").protocol
    changed = protocol.model_copy(update={"limit_train": 2, "validation": 0.8})
    with pytest.raises(UsageError, match=r"--validation 0.8 holds out all of 2 training samples"):
        split_dataset(dataset, apply_noise("symmetric:0.4", dataset, 0), changed)
