"""lnlbench: a plugin-based benchmark suite for learning with noisy labels."""

import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pluggy import HookimplMarker

__version__ = "0.2.0"

# What was read from a file that changed later is outdated; no plugin is imported before this line.
IMPORTED_NS = time.time_ns()

hookimpl = HookimplMarker("lnlbench")

# Imported on first use: `lnlbench --help` must not wait for torch.
_HOMES = {
    "Backbone": "lnlbench.networks.backbone",
    "Collection": "lnlbench.data.collection",
    "Criterion": "lnlbench.interface.criterion",
    "DataSource": "lnlbench.interface.data_source",
    "Dataset": "lnlbench.data.dataset",
    "ImageFiles": "lnlbench.data.image_files",
    "Method": "lnlbench.interface.method",
    "LossMethod": "lnlbench.interface.method",
    "Mixture": "lnlbench.interface.criterion",
    "Params": "lnlbench.interface.params",
    "Recipe": "lnlbench.interface.params",
    "SearchRange": "lnlbench.interface.params",
    "Run": "lnlbench.interface.run",
    "Track": "lnlbench.tracks.track",
    "TrackData": "lnlbench.tracks.track",
    "Batch": "lnlbench.interface.batch",
    "export_model": "lnlbench.api.export",
    "load_model": "lnlbench.model.files",
    "load_results": "lnlbench.api.results",
    "read_track": "lnlbench.tracks.file",
    "run": "lnlbench.api.run",
}

# Packages that are called as functions: `lnlbench.methods()` lists the methods.
_CALLABLE = ("audit", "methods", "tracks")

if TYPE_CHECKING:
    from lnlbench.api.export import export_model
    from lnlbench.api.results import load_results
    from lnlbench.api.run import run
    from lnlbench.data.collection import Collection
    from lnlbench.data.dataset import Dataset
    from lnlbench.data.image_files import ImageFiles
    from lnlbench.interface.batch import Batch
    from lnlbench.interface.criterion import Criterion, Mixture
    from lnlbench.interface.data_source import DataSource
    from lnlbench.interface.method import LossMethod, Method
    from lnlbench.interface.params import Params, Recipe, SearchRange
    from lnlbench.interface.run import Run
    from lnlbench.model.files import load_model
    from lnlbench.networks.backbone import Backbone
    from lnlbench.tracks.file import read_track
    from lnlbench.tracks.track import Track, TrackData

__all__ = [
    "Backbone",
    "Batch",
    "Collection",
    "Criterion",
    "DataSource",
    "Dataset",
    "ImageFiles",
    "LossMethod",
    "Method",
    "Mixture",
    "Params",
    "Recipe",
    "Run",
    "SearchRange",
    "Track",
    "TrackData",
    "__version__",
    "export_model",
    "hookimpl",
    "load_model",
    "load_results",
    "read_track",
    "run",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _CALLABLE:
        return import_module(f"lnlbench.{name}")
    raise AttributeError(f"module 'lnlbench' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_CALLABLE})
