"""A frozen pretrained backbone: uint8 images in, features out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from lnlbench.errors import RunError, UsageError
from lnlbench.networks.timm_backbone import PREFIX

_MODES = ("bicubic", "bilinear", "nearest")


@dataclass(frozen=True)
class Preprocessing:
    """How images become a backbone's input: resized to a square, then normalized.

    Unlike timm's evaluation transform this crops nothing: a CIFAR image is all object.
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
        import timm

        config = timm.get_pretrained_cfg(backbone.removeprefix(PREFIX))
        assert config is not None, "check_frozen has seen that timm knows the network"
        own = int(config.input_size[-1])
        if config.fixed_input_size and image_size not in (None, own):
            raise UsageError(
                f"--image-size {image_size}: {backbone} takes {own}x{own} pixels alone. "
                f"Give --image-size {own}, or choose a convolutional network."
            )
        mode = config.interpolation if config.interpolation in _MODES else "bicubic"
        return cls(image_size or own, mode, tuple(config.mean), tuple(config.std))

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


class FrozenBackbone:
    """Pooled features of a pretrained timm network in eval mode."""

    def __init__(
        self,
        backbone: str,
        tensors: Mapping[str, Tensor],
        preprocessing: Preprocessing,
        precision: str,
        device: torch.device,
    ) -> None:
        import timm

        name = backbone.removeprefix(PREFIX)
        network: Any = timm.create_model(name, pretrained=False, num_classes=0)
        network.load_state_dict(tensors, strict=False)  # what `find_weights` has already checked
        self.network = network.to(device).to(memory_format=torch.channels_last).eval()
        self.preprocessing = preprocessing
        self.uses_bf16 = precision == "bf16"
        self.device = device

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        """Features float16 [B, D] of uint8 images [B, 3, H, W], on the CPU.

        Raises:
            RunError: a feature is not finite, or too large for float16.
        """
        inputs = self.preprocessing(images.to(self.device))
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.uses_bf16):
            features = self.network(inputs)
        features = features.to(torch.float16)
        if not torch.isfinite(features).all():
            raise RunError(
                "The frozen backbone gives infinite or NaN features. Its weights may be damaged; "
                "give others with --weights FILE."
            )
        return features.cpu()
