"""What a run's networks are fed with: images, or the cached embeddings of a frozen backbone."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from lnlbench.augment.views import ImageViews, Views
from lnlbench.embeddings.load import Embeddings, load_embeddings
from lnlbench.embeddings.views import EmbeddingViews, Standardization
from lnlbench.networks import build_backbone
from lnlbench.networks.heads import build_head
from lnlbench.networks.precision import PreciseNetwork
from lnlbench.networks.weights import WeightSources
from lnlbench.runner.prepare import Prepared
from lnlbench.runner.training_set import evaluation_sample
from lnlbench.tracks import EmbeddingSpec


@dataclass(frozen=True)
class Inputs:
    """Views of each part of a split, and networks that take them.

    `sample` is the part of the training set that evaluation looks at. `notes` go into the result.
    """

    training: Views
    sample: Views
    test: Views
    validation: Views | None
    build_network: Callable[[], nn.Module]
    notes: tuple[str, ...] = ()


def build_inputs(prepared: Prepared, weights: WeightSources) -> Inputs:
    """The inputs of a run; makes missing embeddings first.

    Raises:
        UsageError: embeddings are missing, and so are the weights to make them.
    """
    embedding = prepared.spec.protocol.embedding
    if embedding is None:
        return _image_inputs(prepared)
    protocol, device = prepared.spec.protocol, prepared.device
    embeddings = load_embeddings(prepared.dataset, protocol, embedding, device, weights)
    return _embedding_inputs(prepared, embedding, embeddings)


def _image_inputs(prepared: Prepared) -> Inputs:
    split, dataset, device = prepared.split, prepared.dataset, prepared.device

    def views(images: Tensor, policy: str = "none") -> ImageViews:
        return ImageViews(images, dataset.mean, dataset.std, policy, device)

    def build_network() -> nn.Module:
        _, channels, image_size, _ = dataset.train_images.shape
        name = prepared.spec.protocol.backbone
        body = build_backbone(name, dataset.num_classes, channels, image_size)
        return PreciseNetwork(body, prepared.precision, device)

    images = split.training.images
    return Inputs(
        training=views(images, prepared.spec.protocol.augment),
        sample=views(images[evaluation_sample(len(images))]),
        test=views(split.test.images),
        validation=None if split.validation is None else views(split.validation.images),
        build_network=build_network,
    )


def _embedding_inputs(
    prepared: Prepared, embedding: EmbeddingSpec, embeddings: Embeddings
) -> Inputs:
    split, device = prepared.split, prepared.device
    training = [_rows(features, split.training.positions) for features in embeddings.train]
    plain = training[0]
    # Of the training samples alone, and the same for every part.
    standardization = Standardization.of(plain)
    views = partial(EmbeddingViews, standardization=standardization, device=device)
    held_out = split.validation

    def build_network() -> nn.Module:
        classes = prepared.dataset.num_classes
        head = build_head(embedding.head, plain.shape[1], classes, embedding.dropout)
        return PreciseNetwork(head, prepared.precision, device)

    return Inputs(
        training=views(training),
        sample=views([plain[evaluation_sample(len(plain))]]),
        test=views([_rows(embeddings.test, split.test.positions)]),
        validation=views([_rows(embeddings.train[0], held_out.positions)]) if held_out else None,
        build_network=build_network,
        notes=embeddings.notes,
    )


def _rows(features: Tensor, positions: Tensor) -> Tensor:
    # Indexing copies; the usual run reads the mapped file as it is.
    return features if len(positions) == len(features) else features[positions]
