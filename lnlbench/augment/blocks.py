"""Batches of views in order: images are read ahead, and many views made at once if cheaper."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from lnlbench.augment.views import Bounds, Views


def batch_bounds(count: int, size: int, merge_single: bool = False) -> Bounds:
    """Start and stop of consecutive batches of at most `size` samples.

    `merge_single` joins a last batch of one sample to the batch before it.
    """
    bounds = [(start, min(start + size, count)) for start in range(0, count, size)]
    if merge_single and len(bounds) > 1 and bounds[-1][1] - bounds[-1][0] == 1:
        bounds[-2:] = [(bounds[-2][0], count)]
    return bounds


def in_batches(
    views: Views, index: Tensor, draws: Sequence[Tensor], names: Sequence[str], bounds: Bounds
) -> Iterator[list[Tensor]]:
    """Batch by batch, a view float32 [B, ...] of the samples `index` for each augmentation.

    `draws` holds the random choices of each augmentation in `names`, with one row for each sample.
    """
    if not names:
        yield from ([] for _ in bounds)
        return
    size = max((stop - start for start, stop in bounds), default=1)
    batches = max(1, max(views.block(name) for name in names) // size)
    blocks = [bounds[first : first + batches] for first in range(0, len(bounds), batches)]
    spans = [(block[0][0], block[-1][1]) for block in blocks]
    parts = views.ahead(index, spans)
    for block, (begin, end), (part, rows) in zip(blocks, spans, parts, strict=True):
        made = [
            part.view(rows, draw[begin:end], name) for draw, name in zip(draws, names, strict=True)
        ]
        for start, stop in block:
            yield [view[start - begin : stop - begin] for view in made]


def plain_batches(views: Views, count: int, size: int) -> Iterator[Tensor]:
    """The first `count` samples unaugmented and normalized, float32 [B, ...], batch by batch."""
    for part, rows in views.ahead(torch.arange(count), batch_bounds(count, size)):
        first = int(rows[0])
        yield part.plain(first, first + len(rows))
