"""Strong augmentation policies: AutoAugment's for CIFAR-10, and RandAugment with Cutout.

Sources: Cubuk et al., CVPR 2019 (arXiv 1805.09501) and NeurIPS 2020 (arXiv 1909.13719), as
github.com/KentoNishi/Augmentation-for-LNL at 908a22b uses them; deviations: the page of dividemix.
"""

from functools import lru_cache
from typing import Protocol

import torch
from torch import Tensor

from lnlbench.augment.operations import Operation, apply_by_code
from lnlbench.augment.policy_names import MAX_MAGNITUDE, parse_policy

# Name, probability and level (of 9) of two operations, applied one after the other.
SUB_POLICIES = (
    (("invert", 0.1, 7), ("contrast", 0.2, 6)),
    (("rotate", 0.7, 2), ("translate-x", 0.3, 9)),
    (("sharpness", 0.8, 1), ("sharpness", 0.9, 3)),
    (("shear-y", 0.5, 8), ("translate-y", 0.7, 9)),
    (("autocontrast", 0.5, 8), ("equalize", 0.9, 2)),
    (("shear-y", 0.2, 7), ("posterize", 0.3, 7)),
    (("color", 0.4, 3), ("brightness", 0.6, 7)),
    (("sharpness", 0.3, 9), ("brightness", 0.7, 9)),
    (("equalize", 0.6, 5), ("equalize", 0.5, 1)),
    (("contrast", 0.6, 7), ("sharpness", 0.6, 5)),
    (("color", 0.7, 7), ("translate-x", 0.5, 8)),
    (("equalize", 0.3, 7), ("autocontrast", 0.4, 8)),
    (("translate-y", 0.4, 3), ("sharpness", 0.2, 6)),
    (("brightness", 0.9, 6), ("color", 0.2, 8)),
    (("solarize", 0.5, 2), ("invert", 0.0, 3)),
    (("equalize", 0.2, 0), ("autocontrast", 0.6, 0)),
    (("equalize", 0.2, 8), ("equalize", 0.6, 4)),
    (("color", 0.9, 9), ("equalize", 0.6, 6)),
    (("autocontrast", 0.8, 4), ("solarize", 0.2, 8)),
    (("brightness", 0.1, 3), ("color", 0.7, 0)),
    (("solarize", 0.4, 5), ("autocontrast", 0.9, 3)),
    (("translate-y", 0.9, 9), ("translate-y", 0.7, 9)),
    (("autocontrast", 0.9, 2), ("solarize", 0.8, 3)),
    (("equalize", 0.8, 8), ("invert", 0.1, 3)),
    (("translate-y", 0.7, 9), ("autocontrast", 0.9, 1)),
)
GRAY = 128  # AutoAugment's fill
_SIGNED = (
    "shear-x",
    "shear-y",
    "translate-x",
    "translate-y",
    "rotate",
    "brightness",
    "color",
    "contrast",
    "sharpness",
)
_UNLEVELED = ("autocontrast", "equalize", "invert")
RAND_OPERATIONS = (*_SIGNED, "posterize", "solarize", "autocontrast", "equalize", "identity")
CUTOUT_SHARE = 0.5
CUTOUT_COLOR = (125, 123, 114)
CUTOUT_GRAY = 123


class Policy(Protocol):
    """Operations that follow crop and flip; `draw` decides and `apply` only carries out."""

    def draw(self, count: int, height: int, width: int, generator: torch.Generator) -> Tensor:
        """Random choices int64 [count, K] for images of a size, drawn on the CPU."""
        ...

    def apply(self, images: Tensor, draw: Tensor) -> Tensor:
        """Change each image as its row of `draw` says; uint8 [B, C, H, W] in and out."""
        ...


class AutoAugment:
    """One of 25 pairs of operations for each image.

    Pixels from outside the image are gray, and rotation has one direction.
    """

    def __init__(self) -> None:
        self.probabilities = torch.tensor([[p for _, p, _ in pair] for pair in SUB_POLICIES])
        self.operations: list[Operation] = [Operation("identity")]
        # [25, 2, 2]: codes of each sub-policy's first and second operation, by direction.
        self.codes = torch.tensor(
            [
                [[self._code(name, level, sign) for sign in (1, -1)] for name, _, level in pair]
                for pair in SUB_POLICIES
            ]
        )

    def _code(self, name: str, level: int, sign: int) -> int:
        # Equal operations share a code, which makes larger groups and fewer calls.
        sign = sign if name in _SIGNED and name != "rotate" else 1
        level = 0 if name in _UNLEVELED else level
        operation = Operation(name, level / 9, sign, fill=GRAY, smooth=True)
        if operation not in self.operations:
            self.operations.append(operation)
        return self.operations.index(operation)

    def draw(self, count: int, height: int, width: int, generator: torch.Generator) -> Tensor:
        """Codes of the two operations of each image; 0 means that the operation is not applied."""
        chosen = torch.randint(len(SUB_POLICIES), (count,), generator=generator)
        applied = torch.rand(count, 2, generator=generator) < self.probabilities[chosen]
        signs = torch.randint(2, (count, 2), generator=generator)
        codes = self.codes[chosen].gather(2, signs.unsqueeze(2)).squeeze(2)
        return torch.where(applied, codes, 0)

    def apply(self, images: Tensor, draw: Tensor) -> Tensor:
        """The first operation of each image, then the second."""
        for codes in draw.unbind(1):
            images = apply_by_code(images, codes, self.operations)
        return images


class RandAugment:
    """`count` of 14 operations on each image at `magnitude` (of 30), then Cutout of random size."""

    def __init__(self, count: int, magnitude: int) -> None:
        self.count = count
        level = magnitude / MAX_MAGNITUDE
        self.operations = [
            Operation(name, level, sign) for name in RAND_OPERATIONS for sign in (1, -1)
        ]

    def draw(self, count: int, height: int, width: int, generator: torch.Generator) -> Tensor:
        """Codes of the operations, then left, top and side of the square that is cut out."""
        names = torch.randint(len(RAND_OPERATIONS), (count, self.count), generator=generator)
        signs = torch.randint(2, (count, self.count), generator=generator)
        # Only some operations have a direction; each other operation has one code.
        signs = torch.where(names < len(_SIGNED), signs, 0)
        side, x, y = torch.rand(count, 3, generator=generator).unbind(1)
        side = CUTOUT_SHARE * width * side
        # As in the authors' code, centers start at 1 and squares are one pixel too large.
        left = (1 + (width - 1) * x - side / 2).clamp(min=0)
        top = (1 + (height - 1) * y - side / 2).clamp(min=0)
        square = torch.stack([left, top, side + 1], 1).long()
        return torch.cat([2 * names + signs, square], 1)

    def apply(self, images: Tensor, draw: Tensor) -> Tensor:
        """The operations of each image in order, then Cutout."""
        for codes in draw[:, : self.count].unbind(1):
            images = apply_by_code(images, codes, self.operations)
        return cutout(images, *draw[:, self.count :].unbind(1))


def cutout(images: Tensor, left: Tensor, top: Tensor, side: Tensor) -> Tensor:
    """Paint one square of each image in the mean color of CIFAR; left, top, side int64 [B]."""
    channels, height, width = images.shape[1:]
    color = CUTOUT_COLOR if channels == 3 else (CUTOUT_GRAY,) * channels
    columns = torch.arange(width, device=images.device) - left.unsqueeze(1)
    rows = torch.arange(height, device=images.device) - top.unsqueeze(1)
    inside_columns = (columns >= 0) & (columns < side.unsqueeze(1))
    inside_rows = (rows >= 0) & (rows < side.unsqueeze(1))
    inside = (inside_rows.unsqueeze(2) & inside_columns.unsqueeze(1)).unsqueeze(1)
    paint = torch.tensor(color, dtype=torch.uint8, device=images.device).view(1, -1, 1, 1)
    return torch.where(inside, paint, images)


@lru_cache
def find_policy(augment: str) -> Policy | None:
    """The policy after crop and flip for "strong" or "randaugment:N:M"; None for "weak" and "none".

    Raises:
        UsageError: an unknown name, or N or M out of bounds.
    """
    policy = parse_policy(augment)
    if policy is None:
        return None
    return AutoAugment() if isinstance(policy, str) else RandAugment(*policy)
