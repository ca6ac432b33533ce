"""Ramps: factors from near 0 to 1 that bring in a term of a loss slowly.

Sources: the linear ramp of MixMatch (Berthelot et al., NeurIPS 2019, arXiv 1905.02249), and the
sigmoid-shaped ramp of temporal ensembling (Laine and Aila, ICLR 2017, arXiv 1610.02242).
"""

import math


def linear_rampup(position: float, length: float) -> float:
    """From 0 at position 0 to 1 at `length`, both in one unit; always 1 if `length` is 0."""
    return 1.0 if length == 0 else min(max(position / length, 0.0), 1.0)


def sigmoid_rampup(position: float, length: float) -> float:
    """exp(-5 (1 - x)^2) for x = position / length, cut to [0, 1]; always 1 if `length` is 0."""
    return math.exp(-5 * (1 - linear_rampup(position, length)) ** 2)
