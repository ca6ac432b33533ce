"""What a plugin says of a data set that it provides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lnlbench.data.dataset import Dataset
    from lnlbench.interface.params import Params


@dataclass(frozen=True)
class DataSource:
    """A data set that a plugin reads or makes.

    `name` is for `--dataset`, `title` one line for people. `params` are its settings, for
    `--set-data`: those whose type is `pathlib.Path` say where the data lie, and are no part of a
    run's spec; the others say what is made of them. `load` takes the checked settings, and returns
    the same data for the same settings and files. `reading` names settings of how the data are
    read, in memory or from files: they change nothing in them, and are no part of a spec either.
    """

    name: str
    title: str
    params: type[Params]
    load: Callable[[Any], Dataset]
    reading: tuple[str, ...] = ()
