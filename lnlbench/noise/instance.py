"""Instance-dependent noise of Xia et al., NeurIPS 2020 (https://arxiv.org/abs/2006.07836).

Each sample has its own flip rate, and the image decides which wrong class it is flipped to.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, softmax

FLIP_RATE_STD = 0.1
# How many features are projected in one step: 64 MB of doubles.
_VALUES = 1 << 23


class Features(Protocol):
    """Features [N, F]: an array, or an object that makes the requested rows."""

    @property
    def shape(self) -> tuple[int, ...]:
        """[N, F]."""
        ...

    def __getitem__(self, rows: NDArray[np.int64], /) -> NDArray[np.number]:
        """The features of some rows."""
        ...


def flip_rates(count: int, rate: float, random: np.random.Generator) -> NDArray[np.float64]:
    """Per-sample rates [count]: normal around `rate`, std 0.1, truncated to [0, 1].

    The truncation raises the mean of small rates: 0.1 becomes 0.129, 0.2 becomes 0.206.
    """
    low, high = ndtr((0 - rate) / FLIP_RATE_STD), ndtr((1 - rate) / FLIP_RATE_STD)
    quantiles = low + (high - low) * random.random(count)
    return np.clip(rate + FLIP_RATE_STD * ndtri(quantiles), 0, 1)


def instance_dependent_labels(
    features: Features,
    clean: NDArray[np.int64],
    num_classes: int,
    rate: float,
    random: np.random.Generator,
) -> NDArray[np.int64]:
    """Noisy labels, int64 [N], from features [N, F]: the flattened images, raw pixels 0 to 255.

    A sample of class c with flip rate q keeps its label with probability 1 - q; q is spread over
    the other classes by the softmax of its features times a random matrix of class c.
    """
    if rate == 0:
        # The truncated normal around 0 has mean 0.08; a rate of 0 must mean no noise.
        return clean.copy()
    flipped = flip_rates(len(clean), rate, random)
    draws = random.random(len(clean))
    noisy = clean.copy()
    for label in range(num_classes):
        projection = random.standard_normal((features.shape[1], num_classes))
        chosen = np.flatnonzero(clean == label)
        scores = _project(features, chosen, projection)
        scores[:, label] = -np.inf
        probabilities = flipped[chosen, None] * softmax(scores, axis=1)
        probabilities[:, label] = 1 - flipped[chosen]
        steps = probabilities.cumsum(axis=1)
        noisy[chosen] = (draws[chosen, None] >= steps / steps[:, -1:]).sum(axis=1)
    return noisy


def _project(
    features: Features, rows: NDArray[np.int64], projection: NDArray[np.float64]
) -> NDArray[np.float64]:
    scores = np.empty((len(rows), projection.shape[1]))
    size = max(1, _VALUES // features.shape[1])
    for start in range(0, len(rows), size):
        block = slice(start, start + size)
        # Double precision: labels must not depend on how a machine orders its sums.
        scores[block] = features[rows[block]].astype(np.float64) @ projection
    return scores
