"""Embeddings in place of images: a view of a sample is one of its cached feature vectors."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from lnlbench.augment.views import Bounds, Views
from lnlbench.embeddings.available import require_embedded

_ROWS = 4096  # rows converted in one step, so that no float copy of all features is made


@dataclass(frozen=True)
class Standardization:
    """Mean and scale float32 [D] that give each feature mean 0 and variance 1."""

    mean: Tensor
    scale: Tensor

    @classmethod
    def of(cls, features: Tensor) -> "Standardization":
        """The standardization of features [N, D]; a constant feature is only centered."""
        total = torch.zeros(features.shape[1], dtype=torch.float64)
        squares = torch.zeros_like(total)
        for rows in features.split(_ROWS):
            total += rows.double().sum(0)
            squares += rows.double().square().sum(0)
        mean = total / len(features)
        variance = squares / len(features) - mean.square()
        # Below this, rounding in the sums is larger than the variance itself.
        constant = variance <= 1e-9 * mean.square()
        scale = torch.where(constant, torch.ones_like(variance), variance).rsqrt()
        return cls(mean.float(), scale.float())

    def to(self, device: torch.device) -> "Standardization":
        """The same standardization on a device."""
        return Standardization(self.mean.to(device), self.scale.to(device))


class EmbeddingViews:
    """Views of cached features, each float16 [N, D] or [N, ...]; the first is of the plain image.

    Without a standardization they are what was cached: the rest of a network takes feature maps as
    they are.
    "weak" draws one of all views for each sample; "none" takes the plain image's view.
    """

    in_memory = True

    def __init__(
        self,
        features: Sequence[Tensor],
        standardization: Standardization | None,
        device: torch.device,
    ) -> None:
        # On the CPU this keeps the mapped files and copies nothing.
        self.features = [view.to(device) for view in features]
        self.device = device
        self.standardization = standardization and standardization.to(device)

    def holding(self, features: Tensor) -> Self:
        """The same view of other features [B, D] on the device, by the same standardization."""
        other = copy.copy(self)
        other.features = [features]
        return other

    def check(self, augment: str) -> None:
        """Refuse all augmentations but "weak" and "none": there are no images, only features."""
        require_embedded(augment)

    def ahead(self, index: Tensor, bounds: Bounds) -> Iterator[tuple[Views, Tensor]]:
        """Reads nothing itself; on a CPU the system reads the mapped files ahead."""
        return ((self, index[start:stop]) for start, stop in bounds)

    def block(self, augment: str) -> int:
        """Enough samples to keep a GPU busy; one batch of maps, or on a CPU, which fits a cache."""
        return _ROWS if self.device.type == "cuda" and self.features[0].dim() == 2 else 1

    def draw(self, augment: str, count: int, generator: torch.Generator) -> Tensor:
        """The number of the view of each sample, int64 [count]; drawn on the CPU everywhere."""
        self.check(augment)
        if augment == "none" or len(self.features) == 1:
            return torch.zeros(count, dtype=torch.int64, device=self.device)
        draws = torch.randint(len(self.features), (count,), generator=generator)
        return draws.to(self.device)

    def view(self, index: Tensor, draw: Tensor, augment: str = "weak") -> Tensor:
        """The drawn view of each sample of `index`, float32 [B, ...]."""
        # index_select copies whole rows: on a CPU a fifth of the time of features[index].
        chosen = self.features[0].index_select(0, index)
        for number, features in enumerate(self.features[1:], start=1):
            drawn = draw == number
            if chosen.is_cuda:
                # Asking which views are drawn would make the host wait for the device.
                other = features.index_select(0, index)
                chosen = torch.where(drawn.view(-1, *[1] * (chosen.dim() - 1)), other, chosen)
            else:
                rows = drawn.nonzero().squeeze(1)
                other = features.index_select(0, index.index_select(0, rows))
                chosen.index_copy_(0, rows, other)
        return self._input(chosen)

    def plain(self, start: int, stop: int) -> Tensor:
        """The unaugmented samples start..stop-1, float32 [B, ...]."""
        return self._input(self.features[0][start:stop])

    def _input(self, features: Tensor) -> Tensor:
        if self.standardization is not None:
            mean, scale = self.standardization.mean, self.standardization.scale
            # A copy even of float32 features: these are the caller's.
            return features.to(torch.float32, copy=True).sub_(mean).mul_(scale)
        if features.dim() == 4:  # convolutions want this layout
            return features.to(torch.float32, memory_format=torch.channels_last)
        return features.float()
