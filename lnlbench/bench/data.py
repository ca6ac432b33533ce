"""Random data like those of a track: images, or features of a frozen network."""

import torch
from torch import Tensor

from lnlbench.augment.views import ImageViews, Views
from lnlbench.embeddings.views import EmbeddingViews, Standardization
from lnlbench.tracks import Protocol

NUM_CLASSES = 100
IMAGE_SHAPE = (3, 32, 32)
FEATURES = 1280  # the features of EfficientNet-Lite0, as on the track cifar100n-embedding
MEAN, STD = (0.5,) * 3, (0.25,) * 3


def input_shape(protocol: Protocol) -> tuple[int, ...]:
    """The shape of one input of a network on the track."""
    return IMAGE_SHAPE if protocol.embedding is None else (FEATURES,)


def random_samples(protocol: Protocol, count: int, generator: torch.Generator) -> list[Tensor]:
    """Images uint8 [count, 3, 32, 32], or the cached views of features, float16 [count, D]."""
    if protocol.embedding is None:
        shape = (count, *IMAGE_SHAPE)
        return [torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)]
    views = range(protocol.embedding.views)
    return [torch.randn(count, FEATURES, generator=generator).half() for _ in views]


def views_of(protocol: Protocol, samples: list[Tensor], policy: str, device: torch.device) -> Views:
    """The views of such samples, as a run on the track makes them."""
    if protocol.embedding is None:
        return ImageViews(samples[0], MEAN, STD, policy, device)
    unit = Standardization(torch.zeros(FEATURES), torch.ones(FEATURES))
    return EmbeddingViews(samples, unit, device)
