"""A trained model: images, or features, in; probabilities of classes out."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lnlbench.augment.resized import ResizedViews
from lnlbench.augment.views import ImageViews
from lnlbench.embeddings.plan import CHUNK
from lnlbench.embeddings.views import EmbeddingViews, Standardization
from lnlbench.errors import DataError
from lnlbench.model.architecture import Tensors, build_frozen, build_network
from lnlbench.model.card import Card, ImageInput
from lnlbench.model.inputs import batches
from lnlbench.networks.frozen import FrozenBackbone
from lnlbench.networks.precision import PreciseNetwork

_FROZEN = "frozen."
_STANDARDIZATION = ("standardization.mean", "standardization.scale")


class Model:
    """Networks whose mean logits predict, with the preprocessing that they were trained behind.

    `lnlbench.load_model` reads one from a folder; `card` says where it comes from. The model is in
    evaluation mode, and predictions change nothing in it.

    Raises:
        UsageError: the installed lnlbench or timm does not have the network.
        DataError: the tensors do not fit the card.
    """

    def __init__(self, card: Card, tensors: Tensors, device: torch.device) -> None:
        self.card = card
        self.device = device
        left = dict(tensors)
        self._networks = [
            PreciseNetwork(
                build_network(card, _taken(left, f"network.{number}.")), card.precision, device
            ).eval()
            for number in range(card.networks)
        ]
        self._prepare = _preparation(card, left, device)
        if left:
            raise DataError(f"The weights hold a tensor of no use: {sorted(left)[0]!r}.")

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, in the order of the probabilities."""
        return self.card.classes

    def predict_proba(self, images: Any) -> NDArray[np.float32]:
        """The probability of each class, float32 [N, C].

        `images` is a list of paths or of PIL images, or an array uint8 [N, height, width, 3] and
        the other layouts of `lnlbench.Dataset.from_arrays`. A model that was trained on features
        takes numbers [N, D].

        Raises:
            DataError: a file is not a readable image (the message names it), or an array has a
                wrong shape, type or value.
        """
        parts = [self.probabilities(batch) for batch in batches(images, self.card)]
        return np.concatenate([np.empty((0, len(self.classes)), np.float32), *parts])

    def predict(self, images: Any) -> list[str]:
        """The name of the most probable class of each image, or of each row of features."""
        return [self.classes[number] for number in self.predict_proba(images).argmax(1)]

    def probabilities(self, samples: Tensor) -> NDArray[np.float32]:
        """Those of one batch: square images uint8 [B, C, S, S], or features float32 [B, D]."""
        return self.logits(samples).softmax(1).numpy()

    @torch.inference_mode()
    def logits(self, samples: Tensor) -> Tensor:
        """Logits float32 [B, C], on the CPU, of one batch as `probabilities` takes it."""
        inputs = self._prepare(samples)
        return torch.stack([network(inputs) for network in self._networks]).mean(0).cpu()

    def tensors(self) -> dict[str, Tensor]:
        """All tensors by the names that the file gives them, on the CPU."""
        found: dict[str, Tensor] = dict(self._prepare.tensors())
        for number, network in enumerate(self._networks):
            state = network.body.state_dict()
            found |= {f"network.{number}.{name}": tensor for name, tensor in state.items()}
        return {name: _copied(tensor) for name, tensor in found.items()}


class _ImagePreparation:
    """Normalizes square images on the device."""

    def __init__(self, views: ImageViews, device: torch.device) -> None:
        self._views = views
        self._device = device

    def __call__(self, images: Tensor) -> Tensor:
        return self._views.holding(images.to(self._device)).plain(0, len(images))

    def tensors(self) -> Mapping[str, Tensor]:
        return {}


class _FeaturePreparation:
    """Standardizes features, which a frozen network makes of images if there is one."""

    def __init__(self, views: EmbeddingViews, body: FrozenBackbone | None) -> None:
        self._views = views
        self._body = body

    def __call__(self, samples: Tensor) -> Tensor:
        features = samples if self._body is None else torch.cat(list(self._features(samples)))
        return self._views.holding(features.to(self._views.device)).plain(0, len(samples))

    def _features(self, images: Tensor) -> Iterator[Tensor]:
        # In the chunks of the run's own embeddings: another order of sums rounds differently.
        assert self._body is not None
        return map(self._body, images.split(CHUNK))

    def tensors(self) -> Mapping[str, Tensor]:
        found: dict[str, Tensor] = {}
        standardization = self._views.standardization
        if standardization is not None:
            values = (standardization.mean, standardization.scale)
            found |= dict(zip(_STANDARDIZATION, values, strict=True))
        if self._body is not None:
            state = self._body.network.state_dict()
            found |= {f"{_FROZEN}{name}": tensor for name, tensor in state.items()}
        return found


def _preparation(
    card: Card, left: dict[str, Tensor], device: torch.device
) -> _ImagePreparation | _FeaturePreparation:
    given = card.input
    if isinstance(given, ImageInput) and given.frozen is None:
        return _ImagePreparation(_image_views(given, device), device)
    body = None
    if isinstance(given, ImageInput):
        assert given.frozen is not None
        body = build_frozen(given.frozen, _taken(left, _FROZEN), device)
    standardization = _standardization(card, left)
    views = EmbeddingViews([torch.empty(0, 0)], standardization, device)
    return _FeaturePreparation(views, body)


def _standardization(card: Card, left: dict[str, Tensor]) -> Standardization | None:
    """None for feature maps, which the rest of a network takes as they are."""
    frozen = card.input.frozen if isinstance(card.input, ImageInput) else None
    if frozen is not None and frozen.until is not None:
        return None
    mean, scale = (left.pop(name, torch.empty(0)) for name in _STANDARDIZATION)
    if mean.ndim != 1 or mean.shape != scale.shape or len(mean) != card.architecture.inputs:
        raise DataError("The mean and the scale of the features are missing, or of another size.")
    return Standardization(mean.float(), scale.float())


def _image_views(given: ImageInput, device: torch.device) -> ImageViews:
    nothing = torch.empty(0, given.channels, given.size, given.size, dtype=torch.uint8)
    if given.resizing is not None:
        return ResizedViews(nothing, given.resizing.preprocessing(), "none", device)
    normalization = given.normalization
    assert normalization is not None
    return ImageViews(nothing, normalization.mean, normalization.std, "none", device)


def _taken(left: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    names = [name for name in left if name.startswith(prefix)]
    return {name.removeprefix(prefix): left.pop(name) for name in names}


def _copied(tensor: Tensor) -> Tensor:
    # Tensors that share memory cannot be written, and a file holds rows in their usual order.
    return tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
