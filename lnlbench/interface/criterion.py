"""The values by which a method tells clean from wrong labels, for people to look at."""

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

    `of` names the quantity, such as "normalized loss"; `values` [N] are in the order of the
    samples. If the method fitted a mixture to them or compared them with a threshold, these are
    here too.
    """

    of: str
    values: Tensor
    threshold: float | None = None
    mixture: Mixture | None = None
