"""How a plugin describes a data set that it provides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lnlbench.data.collection import Collection
    from lnlbench.data.dataset import Dataset
    from lnlbench.interface.params import Params


@dataclass(frozen=True)
class DataSource:
    """A data set that a plugin reads or makes.

    `name` is the name for `--dataset`, and `title` a line for people. `params` declares its
    settings for `--set-data`: settings of type `pathlib.Path` say where the data lie and are not
    part of a run's spec; other settings say what is made from the data. `load` takes the checked
    settings, and returns the same data for the same settings and files. `reading` names settings
    that only decide how the data are read (into memory or from files). They do not change the data,
    and are not part of a spec either. `collect` takes the same settings and returns all images with
    their paths and labels, without a split, for `lnlbench audit`; None if that is not possible.
    """

    name: str
    title: str
    params: type[Params]
    load: Callable[[Any], Dataset]
    reading: tuple[str, ...] = ()
    collect: Callable[[Any], Collection] | None = None
