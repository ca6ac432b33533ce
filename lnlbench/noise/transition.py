"""Class-dependent noise: transition matrices T[i, j] = P(noisy = j | clean = i), rows sum to 1."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Matrix = NDArray[np.float64]

# Patrini et al., CVPR 2017 (https://arxiv.org/abs/1609.03683), section 5.
CIFAR10_SIMILAR = {
    "truck": "automobile",
    "bird": "airplane",
    "deer": "horse",
    "cat": "dog",
    "dog": "cat",
}


def symmetric(num_classes: int, rate: float) -> Matrix:
    """Labels are redrawn uniformly over all classes: a share rate * (1 - 1/C) ends up wrong."""
    return (1 - rate) * np.eye(num_classes) + rate / num_classes


def symmetric_other(num_classes: int, rate: float) -> Matrix:
    """Labels move to each other class with equal probability: a share `rate` ends up wrong."""
    identity = np.eye(num_classes)
    return (1 - rate) * identity + rate * (1 - identity) / (num_classes - 1)


def pairflip(num_classes: int, rate: float) -> Matrix:
    """Labels move to the next class, the last class to the first (Han et al., NeurIPS 2018)."""
    identity = np.eye(num_classes)
    return (1 - rate) * identity + rate * np.roll(identity, 1, axis=1)


def mapped(num_classes: int, rate: float, targets: Mapping[int, int]) -> Matrix:
    """Labels of class i move to targets[i]; classes without a target keep their labels."""
    matrix = np.eye(num_classes)
    for source, target in targets.items():
        matrix[source, source] -= rate
        matrix[source, target] += rate
    return matrix


def next_in_superclass(superclasses: Sequence[int]) -> dict[int, int]:
    """Each class's successor in its superclass by class index; the first class follows the last."""
    targets: dict[int, int] = {}
    for superclass in set(superclasses):
        members = [i for i, value in enumerate(superclasses) if value == superclass]
        targets.update(zip(members, members[1:] + members[:1], strict=True))
    return targets


def next_in_block(num_classes: int, size: int = 5) -> dict[int, int]:
    """Each class's successor by id inside blocks of `size` consecutive ids, cyclically.

    This is what the code of Patrini et al., SCE, ELR and others does on CIFAR-100. Ids there are
    alphabetical, so a block is not a superclass: 6 of the 100 flips stay inside the superclass.
    """
    return {i: i - i % size + (i + 1) % size for i in range(num_classes)}


def empirical_transition_matrix(clean: ArrayLike, noisy: ArrayLike, num_classes: int) -> Matrix:
    """Observed shares, float64 [C, C], of integer labels [N]; absent classes get identity rows."""
    pairs = np.asarray(clean) * num_classes + np.asarray(noisy)
    counts = np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)
    totals = counts.sum(axis=1, keepdims=True)
    return np.where(totals > 0, counts / np.maximum(totals, 1), np.eye(num_classes))


def sample_labels(
    clean: NDArray[np.int64], matrix: Matrix, random: np.random.Generator
) -> NDArray[np.int64]:
    """One noisy label for each clean label, int64 [N], drawn independently from the label's row."""
    draws = random.random(len(clean))
    noisy = clean.copy()
    for label in np.unique(clean):
        chosen = clean == label
        steps = matrix[label].cumsum()
        # The last step must be exactly 1, or a draw just below 1 would fall outside the classes.
        noisy[chosen] = np.searchsorted(steps / steps[-1], draws[chosen], side="right")
    return noisy
