"""The image operations of AutoAugment and RandAugment, by torchvision, on groups of images."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import atan, degrees

import torch
from torch import Tensor

# Strengths at level 1, from Cubuk et al., CVPR 2019 (AutoAugment), table 6.
SHEAR = 0.3
TRANSLATE = 150 / 331  # share of the image's side
ROTATE = 30.0  # degrees
ENHANCE = 0.9  # distance of the factor from 1
POSTERIZE = 4  # bits taken away


@dataclass(frozen=True)
class Operation:
    """One operation at one strength: `level` in [0, 1]; `sign` 1 or -1 if it has a direction.

    `fill` is the gray value of pixels from outside the image. `smooth` shears bilinearly instead of
    to the nearest pixel.
    """

    name: str
    level: float = 0.0
    sign: int = 1
    fill: int = 0
    smooth: bool = False

    def __call__(self, images: Tensor) -> Tensor:
        """Apply the operation to each image: uint8 [B, C, H, W] in and out, C is 1 or 3."""
        # Imported late: torchvision takes as long as torch, and only strong views need it.
        from torchvision.transforms.v2 import functional

        signed = self.sign * self.level
        match self.name:
            case "identity":
                return images
            case "shear-x" | "shear-y":
                return self._shear(images, signed * SHEAR)
            case "translate-x" | "translate-y":
                return self._translate(images, signed * TRANSLATE)
            case "rotate":
                fill = [float(self.fill)]
                return functional.rotate(images, signed * ROTATE, fill=fill)
            case "brightness":
                return functional.adjust_brightness(images, 1 + signed * ENHANCE)
            case "color":
                return functional.adjust_saturation(images, 1 + signed * ENHANCE)
            case "contrast":
                return functional.adjust_contrast(images, 1 + signed * ENHANCE)
            case "sharpness":
                return functional.adjust_sharpness(images, 1 + signed * ENHANCE)
            case "posterize":
                return functional.posterize(images, 8 - round(self.level * POSTERIZE))
            case "solarize":
                threshold = 256 * (1 - self.level)
                # torchvision refuses a threshold above the largest pixel, which inverts nothing.
                return functional.solarize(images, threshold) if threshold <= 255 else images
            case "autocontrast":
                return functional.autocontrast(images)
            case "equalize":
                return functional.equalize(images)
            case "invert":
                return functional.invert(images)
        raise ValueError(f"no operation {self.name!r}")

    def _shear(self, images: Tensor, slope: float) -> Tensor:
        from torchvision.transforms.v2 import InterpolationMode, functional

        angle = degrees(atan(slope))
        return functional.affine(
            images,
            angle=0.0,
            translate=[0, 0],
            scale=1.0,
            shear=[angle, 0.0] if self.name == "shear-x" else [0.0, angle],
            interpolation=InterpolationMode.BILINEAR if self.smooth else InterpolationMode.NEAREST,
            fill=[float(self.fill)],
            center=[0, 0],
        )

    def _translate(self, images: Tensor, share: float) -> Tensor:
        # Shift by whole pixels, like nearest-pixel sampling: pad and crop, the cheapest way.
        from torchvision.transforms.v2 import functional

        height, width = images.shape[2:]
        along_x = self.name == "translate-x"
        pixels = round(share * (width if along_x else height))
        margin = abs(pixels)
        padded = functional.pad(images, [margin], fill=self.fill)
        top, left = (margin, margin + pixels) if along_x else (margin + pixels, margin)
        return functional.crop(padded, top, left, height, width)


def apply_by_code(images: Tensor, codes: Tensor, operations: Sequence[Operation]) -> Tensor:
    """Apply operations[codes[i]] to image i: uint8 [B, C, H, W], codes int64 [B].

    One call of an operation serves all images that drew it. The other images do not change the
    outcome for one image.
    """
    order = codes.argsort(stable=True)
    counts = torch.bincount(codes, minlength=len(operations)).tolist()
    groups = images[order].split(counts)
    changed = [
        operation(group) for operation, group in zip(operations, groups, strict=True) if len(group)
    ]
    result = torch.empty_like(images)
    result[order] = torch.cat(changed)
    return result
