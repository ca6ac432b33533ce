"""The inputs of a run's networks: images, or the cached embeddings of a frozen backbone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from torch import Tensor, nn

from lnlbench.augment.resized import ResizedViews
from lnlbench.augment.streamed import StreamedViews
from lnlbench.augment.views import ImageViews, Views
from lnlbench.data.dataset import Dataset
from lnlbench.data.image_files import ImageFiles, Images, read_rows
from lnlbench.embeddings.load import Embeddings, load_embeddings, own_features
from lnlbench.embeddings.views import EmbeddingViews, Standardization
from lnlbench.errors import UsageError
from lnlbench.interface.host import flat, no_pretrained_body
from lnlbench.networks import FEATURES
from lnlbench.networks.backbone import Backbone
from lnlbench.networks.build import build_backbone
from lnlbench.networks.heads import build_head
from lnlbench.networks.preprocessing import Preprocessing
from lnlbench.networks.pretrained import PretrainedNetwork
from lnlbench.networks.weight_sources import WeightSources
from lnlbench.networks.weights import find_weights, pinned_weights
from lnlbench.runner.prepare import Prepared
from lnlbench.runner.probe import PretrainedFeatures, Probe
from lnlbench.runner.split import evaluation_sample
from lnlbench.tracks import EmbeddingSpec, PretrainedSpec, Protocol


@dataclass(frozen=True)
class Inputs:
    """Views of each part of a split, and networks that take them.

    `sample` holds the training samples that evaluation looks at. `notes` go into the result.
    """

    training: Views
    sample: Views
    test: Views
    validation: Views | None
    build_network: Callable[[], nn.Module]
    probe: Callable[[nn.Module], tuple[nn.Module, Tensor]] = no_pretrained_body
    embed: Callable[[Tensor], Tensor] = flat
    notes: tuple[str, ...] = ()


def build_inputs(prepared: Prepared, weights: WeightSources) -> Inputs:
    """The inputs of a run; makes missing embeddings first.

    Raises:
        UsageError: the run needs pretrained weights, and no source has them.
        DataError: the weights are damaged, or not the ones that the spec names.
    """
    protocol, device = prepared.spec.protocol, prepared.device
    _check_kind(prepared.dataset, protocol)
    if protocol.pretrained is not None:
        return _pretrained_inputs(prepared, protocol.pretrained, weights)
    embedding = protocol.embedding
    if embedding is None:
        return _random_inputs(prepared, weights.backbones)
    if prepared.dataset.holds_features:
        embeddings = own_features(prepared.dataset)
    else:
        embeddings = load_embeddings(prepared.dataset, protocol, embedding, device, weights)
    return _embedding_inputs(prepared, embedding, embeddings)


def _check_kind(dataset: Dataset, protocol: Protocol) -> None:
    if dataset.holds_features == (protocol.backbone == FEATURES):
        return
    if dataset.holds_features:
        raise UsageError(
            f"The data set {dataset.name!r} holds features, and {protocol.backbone!r} takes images."
            f" Leave the backbone out, or give {FEATURES!r}."
        )
    raise UsageError(
        f"The backbone {FEATURES!r} is for data sets of features, and {dataset.name!r} holds "
        "images. Name a network: `lnlbench backbones` lists them."
    )


def _image_inputs(
    prepared: Prepared,
    held: Callable[[Tensor, str], ImageViews],
    build_network: Callable[[], nn.Module],
) -> Inputs:
    split = prepared.split
    images = split.training.images
    held_out = split.validation

    def views(images: Images, policy: str) -> Views:
        if isinstance(images, ImageFiles):
            return StreamedViews(images, held(read_rows(images, slice(0)), policy))
        return held(images, policy)

    return Inputs(
        training=views(images, prepared.spec.protocol.augment),
        sample=views(images[evaluation_sample(len(images))], "none"),
        test=views(split.test.images, "none"),
        validation=None if held_out is None else views(held_out.images, "none"),
        build_network=build_network,
    )


def _random_inputs(prepared: Prepared, provided: Mapping[str, Backbone]) -> Inputs:
    dataset, device = prepared.dataset, prepared.device
    # A method holds the function that builds its networks, so this must not hold the data.
    name, precise = prepared.spec.protocol.backbone, prepared.precise
    classes, (_, channels, image_size, _) = dataset.num_classes, dataset.train_images.shape

    def held(images: Tensor, policy: str) -> ImageViews:
        return ImageViews(images, dataset.mean, dataset.std, policy, device)

    def build_network() -> nn.Module:
        body = build_backbone(name, classes, channels, image_size, provided)
        return precise(body)

    inputs = _image_inputs(prepared, held, build_network)
    own = provided.get(name)
    if own is not None and own.build is not None:
        place = getattr(own.build, "__module__", "its plugin")
        inputs = replace(inputs, notes=(f"network {name}, built by {place}",))
    return inputs


def _pretrained_inputs(
    prepared: Prepared, pretrained: PretrainedSpec, sources: WeightSources
) -> Inputs:
    name, device = prepared.spec.protocol.backbone, prepared.device
    classes, precise = prepared.dataset.num_classes, prepared.precise
    until = pretrained.frozen_until
    if pretrained.weights is None:
        weights = find_weights(name, sources)
    else:
        weights = pinned_weights(name, pretrained.weights, sources)

    def build() -> PretrainedNetwork:
        return PretrainedNetwork(name, weights.tensors, classes, until)

    def build_network() -> nn.Module:
        return precise(build())

    size = Preprocessing.of(name, pretrained.image_size).image_size
    note = (
        f"fine-tuned {name} at {size}x{size} pixels, pretrained on {weights.pretrained_on}, "
        f"weights sha256 {weights.sha256[:16]}"
    )
    if until is None:
        inputs = _resized_inputs(prepared, pretrained, build_network)
    else:
        protocol, named = prepared.spec.protocol, {"weights": weights.sha256}
        spec = pretrained.model_copy(update=named)
        maps = load_embeddings(prepared.dataset, protocol, spec, device, sources)
        inputs = _cached_inputs(prepared, maps, None, build_network)
        note = f"{note}; trained from {until} on, the layers in front of it are frozen"
    embed = PretrainedFeatures(build, prepared.precision, device)
    count = len(prepared.split.training.labels)
    probe = Probe(inputs.training, count, weights.tensors, embed)
    return replace(inputs, probe=probe, embed=embed, notes=(note, *inputs.notes))


def _resized_inputs(
    prepared: Prepared, pretrained: PretrainedSpec, build_network: Callable[[], nn.Module]
) -> Inputs:
    device = prepared.device
    preprocessing = Preprocessing.of(prepared.spec.protocol.backbone, pretrained.image_size)

    def held(images: Tensor, policy: str) -> ImageViews:
        return ResizedViews(images, preprocessing, policy, device)

    return _image_inputs(prepared, held, build_network)


def _embedding_inputs(
    prepared: Prepared, embedding: EmbeddingSpec, embeddings: Embeddings
) -> Inputs:
    plain = _rows(embeddings.train[0], prepared.split.training.positions)
    features, classes = plain.shape[1], prepared.dataset.num_classes
    precise = prepared.precise

    def build_network() -> nn.Module:
        head = build_head(embedding.head, features, classes, embedding.dropout)
        return precise(head)

    # Computed from only the training samples, and the same for every part.
    return _cached_inputs(prepared, embeddings, Standardization.of(plain), build_network)


def _cached_inputs(
    prepared: Prepared,
    embeddings: Embeddings,
    standardization: Standardization | None,
    build_network: Callable[[], nn.Module],
) -> Inputs:
    split = prepared.split
    training = [_rows(view, split.training.positions) for view in embeddings.train]
    plain = training[0]
    views = partial(EmbeddingViews, standardization=standardization, device=prepared.device)
    held_out = split.validation
    return Inputs(
        training=views(training),
        sample=views([plain[evaluation_sample(len(plain))]]),
        test=views([_rows(embeddings.test, split.test.positions)]),
        validation=views([_rows(embeddings.train[0], held_out.positions)]) if held_out else None,
        build_network=build_network,
        notes=embeddings.notes,
    )


def _rows(features: Tensor, positions: Tensor) -> Tensor:
    # Indexing would copy; the usual run reads the mapped file directly.
    return features if len(positions) == len(features) else features[positions]
