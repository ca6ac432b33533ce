"""Features of a collection's images: computed once by a frozen network, and kept in the cache."""

import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from lnlbench.data.collection import Collection
from lnlbench.data.location import cache_dir
from lnlbench.embeddings.store import Part, locked
from lnlbench.errors import UsageError
from lnlbench.networks.frozen import FrozenBackbone
from lnlbench.networks.precision import resolve_precision
from lnlbench.networks.preprocessing import Preprocessing
from lnlbench.networks.weight_sources import WeightSources
from lnlbench.networks.weights import TWO_WAYS, Weights, find_weights

_FORMAT = 1
# Images that pass the network together: at 224 pixels their activations take about a gigabyte.
_TOGETHER = 50
# Shows how far work is: called with a title and a total, it gives the function to tell.
Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


@dataclass(frozen=True)
class FeatureNetwork:
    """A pretrained network of timm, its weights, and what becomes of images before it."""

    name: str
    weights: Weights
    preprocessing: Preprocessing

    @classmethod
    def of(
        cls, name: str | None, image_size: int | None, sources: WeightSources
    ) -> "FeatureNetwork":
        """The named network, or without a name the first one that a plugin provides.

        Raises:
            UsageError: no plugin provides a network, or no source has the weights of this one.
            DataError: the weights are damaged.
        """
        if name is None:
            if not sources.backbones:
                raise UsageError(
                    "An audit of images needs a pretrained network, and no installed plugin "
                    f"provides one. {TWO_WAYS} A file needs the network's name too: --backbone "
                    "timm:NAME. Or give features of your own with --features."
                )
            name = min(sources.backbones)
        weights = find_weights(name, sources)
        return cls(name, weights, Preprocessing.of(name, image_size))


def image_features(
    collection: Collection, network: FeatureNetwork, device: torch.device, progress: Progress
) -> tuple[Tensor, list[int]]:
    """Features float16 [N, D] of all images, and the rows whose images are not readable.

    A killed computation resumes. The rows of unreadable images hold NaN.

    Raises:
        UsageError: the cache folder cannot be written.
        RunError: a feature is not finite, or too large for float16, or the disk is full.
    """
    precision = resolve_precision("fp32", device)
    document = {
        "format": _FORMAT,
        "together": _TOGETHER,
        "images": collection.identity,
        "network": network.name,
        "weights": network.weights.sha256,
        "preprocessing": asdict(network.preprocessing),
        "precision": precision,
    }
    key = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    folder = cache_dir() / "audits" / f"{network.name.partition(':')[2]}-{key[:16]}"
    part = Part(folder, "features", len(collection.paths))
    if not part.complete():
        tensors = network.weights.tensors
        backbone = FrozenBackbone(network.name, tensors, network.preprocessing, precision, device)

        def compute(start: int, stop: int) -> np.ndarray:
            pixels, unreadable = collection.read(range(start, stop))
            batches = torch.from_numpy(pixels).split(_TOGETHER)
            features = torch.cat([backbone(batch) for batch in batches]).numpy()
            features[[row - start for row, _ in unreadable]] = np.nan
            return features

        with locked(folder), progress("Features", len(collection.paths)) as show:
            part.fill(compute, show)
    features = torch.from_numpy(part.open())
    return features, features[:, 0].isnan().nonzero().squeeze(1).tolist()
