"""A folder of images, or a table of them, as a data set: `--dataset image-folder`."""

from pathlib import Path

from pydantic import Field, field_validator

import lnlbench
from lnlbench_image_folder.reading import Reading


class Settings(Reading):
    """Where the images lie, and how to make a data set from them."""

    root: Path = Field(
        description="The folder: train/CLASS/… and test/CLASS/… in it, or what the table names."
    )
    table: Path | None = Field(
        None,
        description="CSV or Parquet file with columns path, label, and, where known, clean_label "
        "and split (train or test); relative paths are below root.",
    )
    test_share: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Share of the images held out as test split, by a hash of their paths, where "
        "the data have none of their own.",
    )

    @field_validator("table")
    @classmethod
    def _of_the_user(cls, path: Path | None) -> Path | None:
        return None if path is None else path.expanduser()


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
