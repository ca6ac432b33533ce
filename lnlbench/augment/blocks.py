"""Bounds of batches, and views made for many batches at a time where that is cheaper."""

from collections.abc import Iterator

from torch import Tensor

from lnlbench.augment.views import Views

Bounds = list[tuple[int, int]]


def batch_bounds(count: int, size: int, merge_single: bool = False) -> Bounds:
    """Start and stop of consecutive batches of at most `size`; `merge_single` avoids a last one."""
    bounds = [(start, min(start + size, count)) for start in range(0, count, size)]
    if merge_single and len(bounds) > 1 and bounds[-1][1] - bounds[-1][0] == 1:
        bounds[-2:] = [(bounds[-2][0], count)]
    return bounds


def in_batches(
    views: Views, index: Tensor, draw: Tensor, augment: str, bounds: Bounds
) -> Iterator[Tensor]:
    """Views float32 [B, ...] of the samples `index`, batch by batch, by their rows of `draw`."""
    size = max((stop - start for start, stop in bounds), default=1)
    batches = max(1, views.block(augment) // size)
    for first in range(0, len(bounds), batches):
        block = bounds[first : first + batches]
        begin, end = block[0][0], block[-1][1]
        made = views.view(index[begin:end], draw[begin:end], augment)
        for start, stop in block:
            yield made[start - begin : stop - begin]
