"""Passing images and their augmented views through a frozen backbone, into files."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from lnlbench.augment.views import ImageViews
from lnlbench.data.dataset import Dataset
from lnlbench.data.image_files import read_rows
from lnlbench.embeddings.plan import view_seed
from lnlbench.embeddings.store import Part
from lnlbench.networks.frozen import FrozenBackbone
from lnlbench.system.progress import shown_progress

Pixels = Callable[[int, int], Tensor]
_CPU = torch.device("cpu")


def compute_parts(
    parts: list[Part], dataset: Dataset, policy: str, backbone: FrozenBackbone
) -> None:
    """Fill the parts in order: the views of the training images, then the test images."""
    sources = [_view(dataset, policy, view) for view in range(len(parts) - 1)]
    sources.append(lambda start, stop: read_rows(dataset.test_images, slice(start, stop)))
    total = sum(part.count for part in parts)
    before = 0
    with shown_progress(f"Embeddings of {dataset.name}", total) as show:
        for part, pixels in zip(parts, sources, strict=True):
            part.fill(partial(_features, backbone, pixels), partial(_shifted, show, before))
            before += part.count


def _features(backbone: FrozenBackbone, pixels: Pixels, start: int, stop: int) -> np.ndarray:
    return backbone(pixels(start, stop)).numpy()


def _shifted(show: Callable[[int], None], before: int, done: int) -> None:
    show(before + done)


def _view(dataset: Dataset, policy: str, view: int) -> Pixels:
    """Pixels of training images: unchanged for view 0, else augmented by seeded draws."""
    images = dataset.train_images
    if view == 0:
        return lambda start, stop: read_rows(images, slice(start, stop))

    def views(start: int, stop: int) -> ImageViews:
        # Pad one chunk, not the whole set, which would be the largest thing in memory.
        return ImageViews(
            read_rows(images, slice(start, stop)), dataset.mean, dataset.std, policy, _CPU
        )

    generator = torch.Generator().manual_seed(view_seed(view))
    draws = views(0, 1).draw("weak", len(images), generator)

    def augmented(start: int, stop: int) -> Tensor:
        return views(start, stop).pixels(torch.arange(stop - start), draws[start:stop])

    return augmented
