"""Where data and caches lie."""

import os
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

DATA_DIR_VARIABLE = "LNLBENCH_DATA_DIR"
CACHE_DIR_VARIABLE = "LNLBENCH_CACHE_DIR"
# What users can do if the cache folder cannot be written.
ANOTHER_CACHE = f"set {CACHE_DIR_VARIABLE} to another folder"


@dataclass(frozen=True)
class DataDir:
    """A data folder: downloads go into the default folder; a folder the user named is only read."""

    path: Path
    given: bool


def cache_dir() -> Path:
    """The folder for everything that can be made again: LNLBENCH_CACHE_DIR or the user's cache."""
    override = os.environ.get(CACHE_DIR_VARIABLE, "")
    return Path(override).expanduser() if override else user_cache_path("lnlbench")


def resolve_data_dir(data_dir: Path | None = None) -> DataDir:
    """The argument; without it LNLBENCH_DATA_DIR, and without that `data` in the cache folder."""
    if data_dir is not None:
        return DataDir(Path(data_dir).expanduser().absolute(), given=True)
    variable = os.environ.get(DATA_DIR_VARIABLE, "")
    if variable:
        return DataDir(Path(variable).expanduser().absolute(), given=True)
    return DataDir((cache_dir() / "data").absolute(), given=False)
