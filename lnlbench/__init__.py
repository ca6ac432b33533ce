"""lnlbench: a plugin-based benchmark suite for learning with noisy labels."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pluggy import HookimplMarker

__version__ = "0.1.0"

hookimpl = HookimplMarker("lnlbench")

# Imported on first use: `lnlbench --help` must not wait for torch.
_HOMES = {
    "Backbone": "lnlbench.backbone",
    "Criterion": "lnlbench.criterion",
    "DataSource": "lnlbench.data.source",
    "Dataset": "lnlbench.data.dataset",
    "ImageFiles": "lnlbench.data.image_files",
    "Method": "lnlbench.method",
    "LossMethod": "lnlbench.method",
    "Mixture": "lnlbench.criterion",
    "Params": "lnlbench.params",
    "Recipe": "lnlbench.params",
    "SearchRange": "lnlbench.params",
    "Run": "lnlbench.run",
    "Batch": "lnlbench.batch",
}

if TYPE_CHECKING:
    from lnlbench.backbone import Backbone
    from lnlbench.batch import Batch
    from lnlbench.criterion import Criterion, Mixture
    from lnlbench.data.dataset import Dataset
    from lnlbench.data.image_files import ImageFiles
    from lnlbench.data.source import DataSource
    from lnlbench.method import LossMethod, Method
    from lnlbench.params import Params, Recipe, SearchRange
    from lnlbench.run import Run

__all__ = [
    "Backbone",
    "Batch",
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
    "__version__",
    "hookimpl",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'lnlbench' has no attribute {name!r}")
