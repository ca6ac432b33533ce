"""Where the samples of an audit come from, and how to open them again."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from lnlbench.audit.features import FeatureNetwork, Progress
from lnlbench.audit.samples import (
    Samples,
    collected,
    feature_samples,
    featured_samples,
    image_samples,
)
from lnlbench.audit.tables import read_label_table
from lnlbench.errors import UsageError
from lnlbench.networks.weight_sources import WeightSources
from lnlbench.plugins import Plugins

_FOLDER_DATA = "image-folder"
_PICTURE = 128  # pixels of the pictures beside features of one's own
_PATHS = ("folder", "table", "features", "weights")


@dataclass(frozen=True)
class Given:
    """What a user gave; see `lnlbench.audit`."""

    folder: Path | None
    table: Path | None
    features: Path | None
    weights: Path | None
    backbone: str | None
    image_size: int | None

    def document(self) -> dict[str, Any]:
        """The same as JSON values, with paths that are valid in every folder."""
        found = asdict(self)
        for name in _PATHS:
            found[name] = None if found[name] is None else str(found[name].absolute())
        return found

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Given":
        """The same from JSON values."""
        paths = {name: Path(document[name]) for name in _PATHS if document[name] is not None}
        return cls(**{**document, **paths})


def open_samples(
    given: Given, plugins: Plugins, device: torch.device, progress: Progress
) -> Samples:
    """The samples, with features that are computed now or lie in the cache.

    Raises:
        UsageError: something is missing that the user has to name or to install.
        DataError: the data or the weights cannot be read, or do not fit each other.
        RunError: a feature is not finite.
    """
    return replace(_opened(given, plugins, device, progress), given=given.document())


def _opened(given: Given, plugins: Plugins, device: torch.device, progress: Progress) -> Samples:
    source = plugins.datasets.get(_FOLDER_DATA)
    if given.features is None:
        if given.folder is None:
            raise UsageError(
                "Name a folder of images, such as 'lnlbench audit FOLDER', or features and "
                "labels: --features features.npy --table labels.csv."
            )
        sources = WeightSources(given.weights, plugins.backbones)
        network = FeatureNetwork.of(given.backbone, given.image_size, sources)
        size = network.preprocessing.image_size
        collection = collected(source, given.folder, given.table, size)
        return image_samples(collection, network, device, progress)
    if given.folder is not None:
        size = given.image_size or _PICTURE
        return featured_samples(collected(source, given.folder, given.table, size), given.features)
    if given.table is None:
        raise UsageError(
            "Features have no labels: name the folder of their images, or give a label for each "
            "row with --table labels.csv, in the order of the features."
        )
    return feature_samples(given.features, read_label_table(given.table))
