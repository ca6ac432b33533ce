"""Batches of chosen samples; their order and their views have separate seeded random streams."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from lnlbench.augment.blocks import batch_bounds, in_batches
from lnlbench.errors import UsageError
from lnlbench.interface.batch import Batch
from lnlbench.interface.host import RunHost
from lnlbench.seeds import generator_for


def stream_batches(
    host: RunHost,
    chosen: Tensor,
    names: Sequence[str],
    size: int,
    shuffle: bool,
    axes: tuple[int, int],
) -> Iterator[Batch]:
    """Batches of `size` over the samples `chosen`, int64 [M], with one view for each of `names`.

    `axes` (the epoch, and the number of the call in it) seed the random draws. When shuffling, a
    last batch of one sample joins the batch before it.
    """
    if shuffle:
        order = torch.randperm(len(chosen), generator=generator_for(host.seed, "order", *axes))
        chosen = chosen[order.to(chosen.device)]
    generator = generator_for(host.seed, "augmentation", *axes)
    draws = [host.views.draw(name, len(chosen), generator) for name in names]
    bounds = batch_bounds(len(chosen), size, merge_single=shuffle)
    stream = in_batches(host.views, chosen, draws, names, bounds)
    for (start, stop), made in zip(bounds, stream, strict=True):
        index = chosen[start:stop]
        yield Batch(index=index, views=made, labels=host.labels[index])


def view_names(views: int | None, augment: str | Sequence[str]) -> tuple[str, ...]:
    """The augmentation of each view."""
    if isinstance(augment, str):
        return (augment,) * (2 if views is None else views)
    if views not in (None, len(augment)):
        raise UsageError(
            f"{views} views do not fit {len(augment)} augmentations: give one for each view."
        )
    return tuple(augment)


def sample_index(indices: Tensor | None, count: int, device: torch.device) -> Tensor:
    """All `count` samples, or those that `indices` (int64 [M] or bool [N]) name, as int64 [M].

    Raises:
        UsageError: `indices` are neither whole numbers nor a mask with one value for each sample.
    """
    if indices is None:
        return torch.arange(count, device=device)
    indices = torch.as_tensor(indices, device=device)
    if indices.dtype == torch.bool and indices.shape == (count,):
        return indices.nonzero().squeeze(1)
    # An empty list becomes a float tensor.
    whole = not (indices.is_floating_point() or indices.is_complex() or indices.dtype == torch.bool)
    if indices.dim() == 1 and (whole or not len(indices)):
        return indices.long()
    kind = str(indices.dtype).removeprefix("torch.")
    raise UsageError(
        f"run.batches takes the indices of samples, int64 [M], or a mask, bool [{count}]; given "
        f"{kind} of shape {tuple(indices.shape)}. A mask of numbers becomes one by `weights > 0`."
    )
