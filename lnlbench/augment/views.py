"""Views of training samples: whole batches cropped, flipped and normalized by index arithmetic."""

import copy
from collections.abc import Iterator, Sequence
from typing import Protocol, Self

import torch
from torch import Tensor
from torch.nn.functional import pad

from lnlbench.augment.policies import find_policy
from lnlbench.errors import UsageError, unknown_name

PADDING = 4
# A strong policy calls each operation once for all samples that drew it. In a batch of 64 only two
# or three samples drew it, so the calls cost more than the pixels. Calls cost even more on a GPU.
_BLOCK = 1024
POLICIES = ("crop-flip", "crop", "none")

Bounds = Sequence[tuple[int, int]]


class Views(Protocol):
    """A source of batches; the sources (images in memory or in files, embeddings) share its calls.

    `in_memory` says whether all samples are held at once; otherwise they are read when needed.
    """

    in_memory: bool

    def check(self, augment: str) -> None:
        """Raise a UsageError for an augmentation that `draw` lacks; it lists those that exist."""
        ...

    def block(self, augment: str) -> int:
        """How many samples' views to make in one call, where that is cheaper than one batch."""
        ...

    def draw(self, augment: str, count: int, generator: torch.Generator) -> Tensor:
        """Random choices int64 [count, ...] for `count` views, one row for each sample."""
        ...

    def view(self, index: Tensor, draw: Tensor, augment: str = "weak") -> Tensor:
        """Normalized views float32 [B, ...] of the samples `index`, as their rows of `draw` say."""
        ...

    def plain(self, start: int, stop: int) -> Tensor:
        """Normalized unaugmented samples start..stop-1, float32 [B, ...]."""
        ...

    def ahead(self, index: Tensor, bounds: Bounds) -> Iterator[tuple["Views", Tensor]]:
        """For each span of the samples `index`, views that hold them, and their indices there.

        The spans follow each other. Images in files are read before they are needed.
        """
        ...


def require_in_memory(views: Views, use: str) -> None:
    """Refuse a use of all samples at once if the views are read from files.

    Raises:
        UsageError: they are; `use` says what needs all of them.
    """
    if not views.in_memory:
        raise UsageError(
            f"{use} needs all images in memory, and this run reads them from files as it goes. "
            "Turn them into features first (--backbone timm:NAME --frozen), choose another "
            "method or setting, or hold the data set in memory, if it has a setting for this."
        )


class ImageViews:
    """Views of uint8 images [N, C, H, W]; the images are zero-padded once and held on the device.

    `policy` is what "weak" means on the track: `crop-flip`, `crop` (padding 4) or `none`.
    """

    in_memory = True

    def __init__(
        self,
        images: Tensor,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        policy: str,
        device: torch.device,
    ) -> None:
        if policy not in POLICIES:
            raise unknown_name("augmentation policy", policy, POLICIES)
        self.policy = policy
        self.height, self.width = images.shape[2:]
        self.padded = _padded(images).to(device)
        # One factor and one summand for each value of an image, because a CPU vectorizes long rows.
        scale, pixels = 255 * torch.tensor(std, device=device), self.height * self.width
        self.scale = scale.reciprocal().repeat(pixels)
        self.shift = (-255 * torch.tensor(mean, device=device) / scale).repeat(pixels)

    def holding(self, images: Tensor) -> Self:
        """The same views of other images of the same size, uint8 [B, C, H, W] on the device."""
        other = copy.copy(self)
        other.padded = _padded(images)
        return other

    def ahead(self, index: Tensor, bounds: Bounds) -> Iterator[tuple[Views, Tensor]]:
        """These views hold all samples, so nothing has to be read."""
        return ((self, index[start:stop]) for start, stop in bounds)

    def block(self, augment: str) -> int:
        """Enough samples to keep a GPU busy, or to share the calls of a strong policy."""
        return _BLOCK if self.padded.is_cuda or find_policy(augment) is not None else 1

    def check(self, augment: str) -> None:
        """Refuse an unknown augmentation."""
        find_policy(augment)

    def draw(self, augment: str, count: int, generator: torch.Generator) -> Tensor:
        """Top, left and flip of each sample, int64 [count, 3]; drawn on the CPU for every device.

        A strong policy adds columns of its own.
        """
        policy = find_policy(augment)
        draws = torch.full((count, 3), PADDING, dtype=torch.int64)
        draws[:, 2] = 0
        if augment != "none" and self.policy != "none":
            draws[:, :2] = torch.randint(2 * PADDING + 1, (count, 2), generator=generator)
            if self.policy == "crop-flip":
                draws[:, 2] = torch.randint(2, (count,), generator=generator)
        if policy is not None:
            strong = policy.draw(count, self.height, self.width, generator)
            draws = torch.cat([draws, strong], 1)
        return draws.to(self.padded.device)

    def view(self, index: Tensor, draw: Tensor, augment: str = "weak") -> Tensor:
        """Crop and flip each sample of `index`, apply the strong policy if any, then normalize."""
        images, policy = self.pixels(index, draw[:, :3]), find_policy(augment)
        return self._normalize(images if policy is None else policy.apply(images, draw[:, 3:]))

    def pixels(self, index: Tensor, draw: Tensor) -> Tensor:
        """Crop and flip each sample of `index` by its row of `draw`; still uint8 [B, C, H, W]."""
        top, left, flip = draw.unbind(1)
        # [N, C, 9, 9, H, W] without a copy: a crop is one index into the window axes.
        windows = self.padded.unfold(2, self.height, 1).unfold(3, self.width, 1)
        images = windows.permute(0, 2, 3, 4, 5, 1)[index, top, left]
        if images.is_cuda:
            # Asking which samples are flipped would make the host wait for the device.
            images = torch.where(flip.bool().view(-1, 1, 1, 1), images.flip(2), images)
        else:
            flipped = flip.nonzero().squeeze(1)
            images.index_copy_(0, flipped, images.index_select(0, flipped).flip(2))
        return images.permute(0, 3, 1, 2)

    def plain(self, start: int, stop: int) -> Tensor:
        """The samples start..stop-1, normalized without augmentation."""
        rows = slice(PADDING, PADDING + self.height)
        columns = slice(PADDING, PADDING + self.width)
        return self._normalize(self.padded[start:stop, :, rows, columns])

    def _normalize(self, images: Tensor) -> Tensor:
        count, channels = images.shape[:2]
        rows = images.permute(0, 2, 3, 1).reshape(count, -1).to(torch.float32)
        rows.mul_(self.scale).add_(self.shift)
        return rows.view(count, self.height, self.width, channels).permute(0, 3, 1, 2)


def _padded(images: Tensor) -> Tensor:
    # Channels last while still uint8: convolutions want that layout, and moving bytes is cheap.
    return pad(images, [PADDING] * 4).contiguous(memory_format=torch.channels_last)
