"""The settings of each data set: where it lies, and how its images are read."""

from pathlib import Path
from typing import Literal

from lnlbench_image_folder.reading import Reading, pixels
from pydantic import Field, field_validator


class WebNoise(Reading):
    """What all these data sets have in common."""

    root: Path = Field(description="The folder into which the authors' archives were unpacked.")
    image_size: int = pixels(224)
    subset: bool = Field(
        False,
        description="Whether counts may differ from the published ones, and listed images may be "
        "missing. The result then says how many samples there are.",
    )


class MiniImageNet(WebNoise):
    """Red and Blue Mini-ImageNet at one of the ten noise levels."""

    level: Literal[0, 5, 10, 15, 20, 30, 40, 50, 60, 80] = Field(
        20, description="Share of wrong labels in percent: 0, 5, 10, 15, 20, 30, 40, 50, 60 or 80."
    )
    image_size: int = pixels(
        32,
        "Pixels: 32 as in most papers, or 84, the authors' own size. The shorter side is scaled to "
        "it, and the middle square is cut out. Unless you give it, a run with a pretrained network "
        "takes the network's own size.",
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

    image_size: int = pixels(64)


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
