"""From a protocol to the embeddings of its data set: open them, or make what is missing."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from lnlbench.data.dataset import Dataset
from lnlbench.data.location import ANOTHER_CACHE, cache_dir
from lnlbench.embeddings.compute import compute_parts
from lnlbench.embeddings.plan import Plan
from lnlbench.embeddings.store import Part, locked
from lnlbench.networks.frozen import FrozenBackbone
from lnlbench.networks.precision import resolve_precision
from lnlbench.networks.preprocessing import Preprocessing
from lnlbench.networks.weight_sources import WeightSources, check_pretrained
from lnlbench.networks.weights import Weights, find_weights, pinned_weights
from lnlbench.system.atomic import write_atomically
from lnlbench.system.documents import parse_json, read_text
from lnlbench.tracks import EmbeddingSpec, PretrainedSpec, Protocol


@dataclass(frozen=True)
class Embeddings:
    """Features [N, D] or maps [N, ...]: views of the training images, and the test images.

    They are float16 and memory-mapped if a network made them. `computed` says whether this call
    made any of them. `seconds` is the time that finding or making them took.
    """

    train: tuple[Tensor, ...]
    test: Tensor
    folder: Path | None = None
    notes: tuple[str, ...] = ()
    computed: bool = False
    seconds: float = 0.0


def own_features(dataset: Dataset) -> Embeddings:
    """The features float32 [N, D] of a data set that holds features in place of images."""
    assert isinstance(dataset.train_images, Tensor)
    assert isinstance(dataset.test_images, Tensor)
    return Embeddings((dataset.train_images,), dataset.test_images)


def load_embeddings(
    dataset: Dataset,
    protocol: Protocol,
    spec: EmbeddingSpec | PretrainedSpec,
    device: torch.device,
    sources: WeightSources,
) -> Embeddings:
    """The verified embeddings of all images of a data set; makes missing or damaged ones.

    For networks that are frozen until a layer, these are the feature maps that the layer is given.

    Raises:
        UsageError: embeddings are missing, and so are the weights to make them.
        DataError: the weights are not the ones that the spec names.
    """
    began = time.monotonic()
    check_pretrained(protocol.backbone)
    preprocessing = Preprocessing.of(protocol.backbone, spec.image_size)
    precision = resolve_precision(protocol.precision, device)
    weights: Weights | None = None
    sha256 = spec.weights
    if sha256 is None:
        weights = find_weights(protocol.backbone, sources)
        sha256 = weights.sha256
    until = spec.frozen_until if isinstance(spec, PretrainedSpec) else None
    plan = Plan.of(
        dataset, protocol.backbone, sha256, preprocessing, precision, protocol.augment, until
    )
    folder = cache_dir() / "embeddings" / plan.key
    count = len(dataset.train_images)
    parts = [Part(folder, f"train-{view}", count) for view in range(spec.views)]
    parts.append(Part(folder, "test", len(dataset.test_images)))
    pretrained_on = _pretrained_on(folder)
    computed = pretrained_on is None or not all(part.complete() for part in parts)
    if computed:
        weights = weights or pinned_weights(protocol.backbone, sha256, sources)
        pretrained_on = weights.pretrained_on
        backbone = FrozenBackbone(
            protocol.backbone, weights.tensors, preprocessing, precision, device, until
        )
        with locked(folder):
            _describe(folder, plan, weights)
            compute_parts(parts, dataset, protocol.augment, backbone)
    *train, test = (torch.from_numpy(part.open()) for part in parts)
    return Embeddings(
        train=tuple(train),
        test=test,
        folder=folder,
        notes=_notes(plan, pretrained_on, spec.views),
        computed=computed,
        seconds=time.monotonic() - began,
    )


def _describe(folder: Path, plan: Plan, weights: Weights) -> None:
    document = {**plan.document(), "pretrained_on": weights.pretrained_on}
    text = json.dumps(document, indent=2, sort_keys=True)
    write_atomically(folder / "entry.json", f"{text}\n".encode(), ANOTHER_CACHE)


def _pretrained_on(folder: Path) -> str | None:
    """What entry.json says the weights were pretrained on; None if it is damaged or absent."""
    try:
        said = parse_json(read_text(folder / "entry.json"))["pretrained_on"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return said if isinstance(said, str) else None


def _notes(plan: Plan, pretrained_on: str | None, views: int) -> tuple[str, ...]:
    size = plan.preprocessing.image_size
    what = (
        "features of the frozen" if plan.until is None else f"inputs of {plan.until} of the frozen"
    )
    return (
        f"{what} {plan.backbone} at {size}x{size} pixels ({plan.precision}), "
        f"pretrained on {pretrained_on}, weights sha256 {plan.weights_sha256[:16]}; "
        f"{views} views of each training image",
    )
