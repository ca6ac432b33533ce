"""A folder of images, or a table of them, as a data set: `--dataset image-folder`."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

import lnlbench


class Settings(lnlbench.Params):
    """Where the images lie, and how to make a data set from them."""

    root: Path = Field(
        description="The folder: train/CLASS/… and test/CLASS/… in it, or what the table names."
    )
    table: Path | None = Field(
        None,
        description="CSV or Parquet file with columns path, label, and, where known, clean_label "
        "and split (train or test); relative paths are below root.",
    )
    image_size: int = Field(
        32,
        ge=8,
        le=1024,
        description="Pixels: the shorter side is scaled to it, and the middle square is cut out.",
    )
    test_share: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Share of the images held out as test split, by a hash of their paths, where "
        "the data have none of their own.",
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

    @field_validator("root", "table")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        # An absolute path, so that a run resumed in another working directory finds the same files.
        return None if path is None else path.expanduser()

    @field_validator("root")
    @classmethod
    def _from_here(cls, path: Path) -> Path:
        return path.absolute()


def load(settings: Settings) -> lnlbench.Dataset:
    """The folder's images with their labels."""
    from lnlbench_image_folder.dataset import build

    return build(settings)


def collect(settings: Settings) -> lnlbench.Collection:
    """All images of the folder with their paths, for an audit."""
    from lnlbench_image_folder.collecting import collect_images

    return collect_images(settings)


@lnlbench.hookimpl
def register_datasets() -> list[lnlbench.DataSource]:
    """The folder of images."""
    title = "a folder of images, or a table of them, of your own"
    return [
        lnlbench.DataSource(
            "image-folder", title, Settings, load, reading=("stream",), collect=collect
        )
    ]
