"""Noisy labels for a data set, drawn from an explicit seed."""

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lnlbench.data.dataset import Dataset
from lnlbench.data.image_files import read_rows
from lnlbench.errors import UsageError
from lnlbench.noise import transition
from lnlbench.noise.instance import instance_dependent_labels
from lnlbench.noise.spec import MAPPED, NoiseSpec, check_fit, parse_noise

# Keeps the noise's random stream apart from those that a run derives from the same seed.
_STREAM = 0x6E6F697365


@dataclass(frozen=True, eq=False)
class NoisyLabels:
    """Training labels, int64 [N], and their hash as little-endian int64."""

    labels: Tensor
    sha256: str


def apply_noise(text: str, dataset: Dataset, seed: int) -> NoisyLabels:
    """The training labels of `dataset` under the noise `text`; same seed, same labels.

    Raises UsageError when the noise is misspelt, not defined for the data set, or seed < 0.
    """
    spec = parse_noise(text)
    check_fit(spec, dataset.name, dataset.human_labels, _maps(dataset))
    if seed < 0:
        raise UsageError(f"The noise seed must be a whole number from 0; given {seed}.")
    clean = dataset.train_labels.numpy()
    noisy = _draw(spec, dataset, clean, np.random.default_rng([_STREAM, seed]))
    return NoisyLabels(
        labels=torch.from_numpy(noisy),
        sha256=hashlib.sha256(noisy.astype("<i8").tobytes()).hexdigest(),
    )


def _draw(
    spec: NoiseSpec, dataset: Dataset, clean: NDArray[np.int64], random: np.random.Generator
) -> NDArray[np.int64]:
    if spec.kind == "clean":
        return clean.copy()
    if spec.kind == "human":
        return dataset.human_labels[str(spec.source)].numpy().copy()
    if spec.kind == "instance":
        if dataset.holds_features:
            raise UsageError(
                f"The noise {spec} is drawn from pixels, and {dataset.name!r} holds features."
            )
        rate = spec.rate or 0.0
        return instance_dependent_labels(
            _RawPixels(dataset), clean, dataset.num_classes, rate, random
        )
    return transition.sample_labels(clean, _matrix(spec, dataset), random)


def _matrix(spec: NoiseSpec, dataset: Dataset) -> transition.Matrix:
    classes, rate = dataset.num_classes, spec.rate or 0.0
    if spec.kind == "matched":
        human = dataset.human_labels[spec.source or next(iter(dataset.human_labels))]
        return transition.empirical_transition_matrix(dataset.train_labels, human, classes)
    if spec.kind in MAPPED:
        return transition.mapped(classes, rate, _similar(spec.kind, dataset))
    makers = {
        "symmetric": transition.symmetric,
        "symmetric-other": transition.symmetric_other,
        "pairflip": transition.pairflip,
    }
    return makers[spec.kind](classes, rate)


def _maps(dataset: Dataset) -> tuple[str, ...]:
    if dataset.superclasses is not None:
        return ("asymmetric-superclass", "asymmetric-block")
    needed = {*transition.CIFAR10_SIMILAR, *transition.CIFAR10_SIMILAR.values()}
    return ("asymmetric",) if needed <= set(dataset.classes) else ()


def _similar(kind: str, dataset: Dataset) -> dict[int, int]:
    if kind == "asymmetric-block":
        return transition.next_in_block(dataset.num_classes)
    if kind == "asymmetric-superclass":
        return transition.next_in_superclass(dataset.superclasses or ())
    index = dataset.classes.index
    return {index(a): index(b) for a, b in transition.CIFAR10_SIMILAR.items()}


class _RawPixels:
    """Flattened raw training images [N, F], values 0 to 255; made only for the requested rows.

    The published generator neither scales nor centers them. Its scores are therefore huge, and
    their softmax picks almost always one wrong class.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._images = dataset.train_images
        self.shape = (len(self._images), self._images.shape[1:].numel())

    def __getitem__(self, rows: NDArray[np.int64], /) -> NDArray[np.uint8]:
        return read_rows(self._images, torch.from_numpy(rows)).flatten(1).numpy()
