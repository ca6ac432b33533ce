"""The settings of every data set whose images lie in files: where they lie, how they are read."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

import lnlbench

_SQUARE = (
    "Pixels: the shorter side is scaled to it, and the middle square is cut out. Unless you give "
    "it, a run with a pretrained network takes the network's own size."
)


def pixels(default: int, description: str = _SQUARE) -> Any:
    """The field of the size of the images, with a data set's own default."""
    return Field(default, ge=8, le=1024, description=description)


class Reading(lnlbench.Params):
    """What data sets of image files have in common."""

    root: Path = Field(description="The folder of the images.")
    image_size: int = pixels(32)
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
