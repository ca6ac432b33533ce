"""Images for strong policies: smooth, so that a wrong interpolation shows."""

import torch


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def images_of(count=12, channels=3, side=32):
    """Smooth images with structure: noise alone hides a wrong interpolation."""
    small = torch.rand(count, channels, 6, 6, generator=seeded()) * 255
    large = torch.nn.functional.interpolate(small, size=(side, side), mode="bicubic")
    return large.clamp(0, 255).to(torch.uint8)
