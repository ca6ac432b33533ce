"""The images that both sides of the comparison with the authors' code train and test on."""

import json
import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from lnlbench.data.load import load_dataset
from lnlbench.noise import apply_noise
from lnlbench.runner.split import split_dataset
from lnlbench.tracks.protocol import OptimizerSpec, Protocol

EPOCHS = 10
PROTOCOL = Protocol(
    dataset="cifar100-coarse",
    noise="noisy-coarse",
    backbone="resnet-small",
    optimizer=OptimizerSpec(lr=0.1),
    epochs=EPOCHS,
    batch_size=128,
    limit_train=4000,
    limit_test=2560,
)


@dataclass(frozen=True)
class SharedImages:
    """Images uint8 [N, 3072] in CIFAR's layout, true labels and given labels int64 [N]."""

    train: np.ndarray
    true_labels: np.ndarray
    given_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray

    @property
    def right(self) -> np.ndarray:
        """Which given labels are the true ones, bool [N]."""
        return self.given_labels == self.true_labels


def shared_images() -> SharedImages:
    """What `lnlbench run --limit-train 4000 --limit-test 2560` trains and tests on, in order."""
    dataset = load_dataset(PROTOCOL.dataset)
    noisy = apply_noise(PROTOCOL.noise, dataset, PROTOCOL.noise_seed)
    split = split_dataset(dataset, noisy, PROTOCOL)
    return SharedImages(
        split.training.images.flatten(1).numpy(),
        split.clean_labels.numpy(),
        split.training.labels.numpy(),
        split.test.images.flatten(1).numpy(),
        split.test.labels.numpy(),
    )


def write_shared_images(images: SharedImages, place: Path) -> None:
    """Write files that the authors' loaders read in place of CIFAR-100's and of its labels."""
    for folder in (place / "cifar-100-python", place / "data" / "cifar-100-python"):
        folder.mkdir(parents=True, exist_ok=True)
        for name, pixels, labels in (
            ("train", images.train, images.true_labels),
            ("test", images.test, images.test_labels),
        ):
            content = {"data": pixels, "fine_labels": labels.tolist()}
            (folder / name).write_bytes(pickle.dumps(content))
        (folder / "0.3_sym.json").write_text(json.dumps(images.given_labels.tolist()))
    torch.save(
        {"clean_label": images.true_labels, "noisy_label": images.given_labels}, place / "labels.pt"
    )
