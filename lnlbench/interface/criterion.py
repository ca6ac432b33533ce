"""The values by which a method tells clean from wrong labels, for people who look at them."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Mixture:
    """A fitted Gaussian mixture: one weight, mean and variance per component."""

    weights: tuple[float, ...]
    means: tuple[float, ...]
    variances: tuple[float, ...]


@dataclass(frozen=True)
class Criterion:
    """A number per training sample by which a method last told clean from wrong labels.

    `of` names it, such as "normalized loss"; `values` [N] are in the order of the samples. Where
    the method fitted a mixture to them, or compared them with a threshold, it says which.
    """

    of: str
    values: Tensor
    threshold: float | None = None
    mixture: Mixture | None = None
