"""A model's card, and the tensors of what lies before its networks, from a trained run."""

from typing import Any

import torch
from torch import Tensor, nn

from lnlbench.embeddings.views import EmbeddingViews
from lnlbench.model.architecture import regression_inputs
from lnlbench.model.card import (
    Architecture,
    Card,
    FeatureInput,
    ImageInput,
    Normalization,
    Origin,
    Resizing,
)
from lnlbench.networks.frozen import FrozenBackbone
from lnlbench.networks.preprocessing import Preprocessing
from lnlbench.networks.weight_sources import WeightSources
from lnlbench.networks.weights import Weights, find_weights, pinned_weights
from lnlbench.results import Result
from lnlbench.runner.evaluation import eval_batch_size
from lnlbench.runner.execution import Execution
from lnlbench.runner.prepare import Prepared
from lnlbench.tracks.protocol import WeightsSpec


def frozen_weights(prepared: Prepared, sources: WeightSources) -> Weights | None:
    """The weights of the frozen network, or layers, in front of a run's networks; None without.

    Raises:
        UsageError: no source has them.
        DataError: those that are found are damaged, or not the run's.
    """
    protocol = prepared.spec.protocol
    pretrained: WeightsSpec | None = protocol.embedding
    if protocol.pretrained is not None and protocol.pretrained.frozen_until is not None:
        pretrained = protocol.pretrained
    if pretrained is None or prepared.dataset.holds_features:
        return None
    if pretrained.weights is None:
        return find_weights(protocol.backbone, sources)
    return pinned_weights(protocol.backbone, pretrained.weights, sources)


def card_of(
    execution: Execution, networks: list[nn.Module], frozen: Weights | None, result: Result | None
) -> Card:
    """The card of a trained run, whose `networks` predict."""
    prepared = execution.prepared
    fields: dict[str, Any] = {"precision": prepared.precision}
    return Card(
        **fields,
        classes=tuple(_text(name) for name in prepared.dataset.classes),
        input=_input(prepared, frozen),
        architecture=_architecture(execution, networks[0]),
        networks=len(networks),
        batch_size=eval_batch_size(prepared.spec.protocol, prepared.device),
        origin=_origin(execution, result),
    )


def tensors_before(execution: Execution, card: Card, frozen: Weights | None) -> dict[str, Tensor]:
    """Tensors, by their names in a model, of the frozen network and the standardization."""
    views = execution.inputs.test
    if not isinstance(views, EmbeddingViews):
        return {}
    found: dict[str, Tensor] = {}
    if views.standardization is not None:
        found["standardization.mean"] = views.standardization.mean
        found["standardization.scale"] = views.standardization.scale
    if isinstance(card.input, ImageInput) and card.input.frozen is not None:
        assert frozen is not None
        body = card.input.frozen
        backbone = FrozenBackbone(
            body.network,
            frozen.tensors,
            body.resizing.preprocessing(),
            body.precision,
            torch.device("cpu"),
            body.until,
        )
        state = backbone.network.state_dict()
        found |= {f"frozen.{name}": tensor for name, tensor in state.items()}
    return found


def _architecture(execution: Execution, network: nn.Module) -> Architecture:
    protocol = execution.prepared.spec.protocol
    regression = regression_inputs(network)
    fields: dict[str, Any]
    if regression is not None:
        fields = {"kind": "regression", "name": "linear", "inputs": regression}
    elif protocol.embedding is not None:
        views = execution.inputs.test
        assert isinstance(views, EmbeddingViews)
        features = views.features[0].shape[1]
        fields = {"kind": "head", "name": protocol.embedding.head, "inputs": features}
    else:
        kind = "network" if protocol.pretrained is None else "fine-tuned"
        channels = execution.prepared.dataset.train_images.shape[1]
        fields = {"kind": kind, "name": protocol.backbone, "inputs": channels}
    return Architecture(**fields)


def _input(prepared: Prepared, frozen: Weights | None) -> ImageInput | FeatureInput:
    dataset, protocol = prepared.dataset, prepared.spec.protocol
    if dataset.holds_features:
        return FeatureInput(dimension=dataset.train_images.shape[1])
    channels, size = dataset.train_images.shape[1:3]
    fields: dict[str, Any] = {"channels": channels, "size": size}
    pretrained = protocol.embedding or protocol.pretrained
    if pretrained is None:
        fields["normalization"] = Normalization(mean=dataset.mean, std=dataset.std)
        return ImageInput(**fields)
    resizing = Resizing.of(Preprocessing.of(protocol.backbone, pretrained.image_size))
    if frozen is None:
        fields["resizing"] = resizing
    else:
        fields["frozen"] = {
            "network": protocol.backbone,
            "until": None if protocol.pretrained is None else protocol.pretrained.frozen_until,
            "pretrained_on": _text(frozen.pretrained_on),
            "weights_sha256": frozen.sha256,
            "precision": prepared.precision,
            "resizing": resizing,
        }
    return ImageInput(**fields)


def _origin(execution: Execution, result: Result | None) -> Origin:
    prepared, spec = execution.prepared, execution.prepared.spec
    return Origin(
        method=spec.method,
        recipe=spec.recipe,
        params=execution.method.params.model_dump(mode="json"),
        track=spec.track,
        seed=spec.seed,
        fingerprint=spec.fingerprint,
        dataset=_text(prepared.dataset.name),
        noise=_text(spec.protocol.noise),
        labels_sha256=prepared.noisy.sha256,
        test_accuracy=None if result is None else result.scores.test_accuracy_last,
        versions=execution.environment if result is None else result.environment,
    )


def _text(text: str) -> str:
    # Names of classes may come from folders, whose names may hold bytes that are not UTF-8.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
