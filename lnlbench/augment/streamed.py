"""Views of images in files: other processes read ahead; augmentation is the same as in memory."""

from collections.abc import Iterator

import torch
from torch import Tensor

from lnlbench.augment.views import Bounds, ImageViews, Views
from lnlbench.data.image_files import ImageFiles
from lnlbench.data.reading import read_ahead


class StreamedViews:
    """Views as `like` makes them, of images that are held only while they are used.

    `like` holds no image; it says how to draw, make and normalize views, and on which device.
    """

    in_memory = False

    def __init__(self, images: ImageFiles, like: ImageViews) -> None:
        self._images = images
        self._like = like
        self.check, self.block, self.draw = like.check, like.block, like.draw

    def ahead(self, index: Tensor, bounds: Bounds) -> Iterator[tuple[Views, Tensor]]:
        """Views of each span; its images stay on the device while the caller holds them."""
        # Copy once and not for each span, or the host would wait for the device.
        parts = read_ahead(self._images, index.cpu(), bounds, self._like.padded.device)
        for images in parts:
            yield self._like.holding(images), torch.arange(len(images), device=index.device)

    def view(self, index: Tensor, draw: Tensor, augment: str = "weak") -> Tensor:
        """As of images in memory, read now."""
        [(part, rows)] = self.ahead(index, [(0, len(index))])
        return part.view(rows, draw, augment)

    def plain(self, start: int, stop: int) -> Tensor:
        """As of images in memory, read now."""
        [(part, _)] = self.ahead(torch.arange(start, stop), [(0, stop - start)])
        return part.plain(0, stop - start)
