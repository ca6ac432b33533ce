"""Data sets: reading, verifying and fetching them."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lnlbench.data.names import DATASETS, canonical_name, dataset_names

# Imported on first use: listing the names must not wait for torch.
_HOMES = {
    "Dataset": "lnlbench.data.dataset",
    "load_dataset": "lnlbench.data.load",
}

if TYPE_CHECKING:
    from lnlbench.data.dataset import Dataset
    from lnlbench.data.load import load_dataset

__all__ = ["DATASETS", "Dataset", "canonical_name", "dataset_names", "load_dataset"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'lnlbench.data' has no attribute {name!r}")
