"""FMix (Harris et al., 2020): images mixed by a binary mask of a few large patches.

Source: arXiv 2002.12047, as github.com/Justherozen/ProMix at 40d8378 has it in utils/fmix.py.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor


class Mask(NamedTuple):
    """Where an image stays, 1 or 0 float32 [H, W], and the share of its label that stays."""

    pixels: Tensor
    share: float


def low_frequency_image(noise: Tensor, height: int, width: int, decay: float) -> Tensor:
    """An image [height, width] of which noise [width // 2 + 1, 2, 2] draws the low frequencies.

    As in the published code, the image has all frequencies along its height, whose amplitudes
    decay, and only the two lowest along its width. The last axis of `noise` is that of the width.
    """
    along = torch.fft.rfftfreq(width, dtype=noise.dtype)
    lowest = 1 / max(height, width)
    rows = torch.stack([along.clamp(min=lowest), torch.hypot(along, torch.tensor(1 / height))])
    real, imaginary = (noise / (rows.T**decay).unsqueeze(2)).unbind(1)
    return torch.fft.irfft2(torch.complex(real, imaginary), s=(height, width))


def largest_pixels(image: Tensor, count: int) -> Tensor:
    """1 at the `count` largest pixels of an image [H, W], and 0 elsewhere."""
    mask = torch.zeros(image.numel(), dtype=image.dtype)
    mask[image.flatten().argsort(descending=True)[:count]] = 1
    return mask.view_as(image)


def draw_mask(
    alpha: float, decay: float, height: int, width: int, generator: torch.Generator
) -> Mask:
    """A mask for a whole batch whose share is drawn from Beta(alpha, alpha); on the CPU."""
    # NumPy draws the Beta because torch's takes no generator; its seed comes from the generator.
    seed = int(torch.randint(2**62, (), generator=generator))
    share = float(np.random.default_rng(seed).beta(alpha, alpha))
    noise = torch.randn(width // 2 + 1, 2, 2, generator=generator)
    # The share of the pixels is rounded up or down by chance.
    rounding = math.ceil if torch.rand((), generator=generator) > 0.5 else math.floor
    image = low_frequency_image(noise, height, width, decay)
    return Mask(largest_pixels(image, rounding(share * image.numel())), share)


def mix_by_mask(images: Tensor, mask: Tensor, partners: Tensor) -> Tensor:
    """Images [B, C, H, W] where the mask [H, W] is 1, and where it is 0 their partners, [B]."""
    return mask * images + (1 - mask) * images[partners]
