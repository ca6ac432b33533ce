"""How images become the input of a pretrained network: resized, then normalized."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from lnlbench.errors import UsageError
from lnlbench.networks.kept import pretrained_config

_MODES = ("bicubic", "bilinear", "nearest")


@dataclass(frozen=True)
class Preprocessing:
    """How images become a backbone's input: resized to a square, then normalized.

    Unlike timm's evaluation transform, this crops nothing, because a CIFAR image is all object.
    """

    image_size: int
    interpolation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def of(cls, backbone: str, image_size: int | None) -> "Preprocessing":
        """The data config of `timm:NAME`, at `image_size` pixels if that is given.

        Raises:
            UsageError: the network takes one size only, and another is asked for.
        """
        config = pretrained_config(backbone)
        own = config["image_size"]
        if config["fixed_size"] and image_size not in (None, own):
            raise UsageError(
                f"--image-size {image_size}: {backbone} takes only {own}x{own} pixels. "
                f"Give --image-size {own}, or choose a convolutional network."
            )
        mode = config["interpolation"] if config["interpolation"] in _MODES else "bicubic"
        return cls(image_size or own, mode, tuple(config["mean"]), tuple(config["std"]))

    def __call__(self, images: Tensor) -> Tensor:
        """Resize and normalize uint8 images [B, 3, H, W]; float32 [B, 3, S, S]."""
        smooth = self.interpolation != "nearest"
        size = (self.image_size, self.image_size)
        resized = interpolate(
            images.float(), size=size, mode=self.interpolation, antialias=smooth
        ).clamp_(0, 255)  # bicubic interpolation overshoots
        mean = 255 * torch.tensor(self.mean, device=images.device).view(1, -1, 1, 1)
        std = 255 * torch.tensor(self.std, device=images.device).view(1, -1, 1, 1)
        return resized.sub_(mean).div_(std)
