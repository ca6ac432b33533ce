"""Mixup, and the ramp of the methods that bring a term in slowly."""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor


class Mixing(NamedTuple):
    """How the samples of a batch are mixed: the larger share, and partners int64 [B]."""

    share: float
    partners: Tensor

    def __call__(self, values: Tensor) -> Tensor:
        """Mixed values [B, ...]: share * values + (1 - share) * their partners' values."""
        return torch.lerp(values[self.partners.to(values.device)], values, self.share)


def draw_mixing(count: int, alpha: float, generator: torch.Generator) -> Mixing:
    """One share max(λ, 1 - λ) with λ ~ Beta(alpha, alpha), and one permutation of the batch."""
    # NumPy draws the Beta: torch's takes no generator.
    seed = int(torch.randint(2**62, (), generator=generator))
    share = float(np.random.default_rng(seed).beta(alpha, alpha))
    return Mixing(max(share, 1 - share), torch.randperm(count, generator=generator))


def sigmoid_rampup(position: float, length: float) -> float:
    """From exp(-5) at 0 to 1 at `length`, as exp(-5 (1 - x)^2); 1 where there is no ramp."""
    if length <= 0:
        return 1.0
    return math.exp(-5 * (1 - min(max(position / length, 0.0), 1.0)) ** 2)
