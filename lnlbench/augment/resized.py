"""Views of images for a pretrained network: augmented at the data's own size, then resized."""

from collections.abc import Callable

import torch
from torch import Tensor

from lnlbench.augment.views import ImageViews


class ResizedViews(ImageViews):
    """Views of uint8 images [N, 3, H, W] that `preprocessing` resizes and normalizes.

    Crops and flips come first, so a crop moves the object as far as on other tracks.
    """

    def __init__(
        self,
        images: Tensor,
        preprocessing: Callable[[Tensor], Tensor],
        policy: str,
        device: torch.device,
    ) -> None:
        super().__init__(images, (0.0,) * 3, (1.0,) * 3, policy, device)
        self.preprocessing = preprocessing

    def block(self, augment: str) -> int:
        """One batch: the resized views of a larger block would take gigabytes."""
        return 1

    def _normalize(self, images: Tensor) -> Tensor:
        return self.preprocessing(images).contiguous(memory_format=torch.channels_last)
