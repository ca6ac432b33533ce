"""The settings of each data set: where it lies, and how its images are read."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

import lnlbench


class WebNoise(lnlbench.Params):
    """What all these data sets have in common."""

    root: Path = Field(description="The folder into which the authors' archives were unpacked.")
    image_size: int = Field(
        224,
        ge=8,
        le=1024,
        description="Pixels: the shorter side is scaled to it, and the middle square is cut out.",
    )
    subset: bool = Field(
        False,
        description="Whether counts may differ from the published ones, and listed images may be "
        "missing. The result then says how many samples there are.",
    )
    skip_unreadable: bool = Field(
        False, description="Leave out files that are not readable images; the result names them."
    )
    max_megapixels: float = Field(
        100, gt=0, le=10_000, description="Larger images count as unreadable."
    )
    stream: bool | Literal["auto"] = Field(
        "auto",
        description="Whether training reads the images from their files as it goes, instead of "
        "holding all in memory; auto: where they would take more than a fifth of the memory that "
        "is free. The numbers are the same.",
    )

    @field_validator("root")
    @classmethod
    def _from_here(cls, path: Path) -> Path:
        # An absolute path, so that a run resumed in another working directory finds the same files.
        return path.expanduser().absolute()


class MiniImageNet(WebNoise):
    """Red and Blue Mini-ImageNet at one of the ten noise levels."""

    level: Literal[0, 5, 10, 15, 20, 30, 40, 50, 60, 80] = Field(
        20, description="Share of wrong labels in percent: 0, 5, 10, 15, 20, 30, 40, 50, 60 or 80."
    )
    image_size: int = Field(
        32,
        ge=8,
        le=1024,
        description="Pixels: 32 as in most papers, or 84, the authors' own size. The shorter side "
        "is scaled to it, and the middle square is cut out.",
    )


class Clothing1M(WebNoise):
    """Clothing1M: the noisy training list, and the clean test list."""


class MiniWebVision(WebNoise):
    """The first classes of WebVision 1.0's Google part."""

    classes: int = Field(
        50,
        ge=2,
        le=1000,
        description="How many classes, in WebVision's order; 50 are the mini set.",
    )


class Animal10N(WebNoise):
    """ANIMAL-10N."""

    image_size: int = Field(
        64,
        ge=8,
        le=1024,
        description="Pixels: the shorter side is scaled to it, and the middle square is cut out.",
    )


class Food101N(WebNoise):
    """Food-101N, with the test split of Food-101."""

    food101: Path | None = Field(
        None,
        description="The folder of Food-101, whose test split is used; by default the folder "
        "food-101 in root or beside it.",
    )

    @field_validator("food101")
    @classmethod
    def _food101_from_here(cls, path: Path | None) -> Path | None:
        return None if path is None else path.expanduser().absolute()
