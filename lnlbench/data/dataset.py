"""A data set: images, clean labels, test split, and human labels where they exist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from lnlbench.data.image_files import Images


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images with clean labels; only `human_labels` are noisy.

    Images are uint8 [N, C, H, W], held in tensors or read from ImageFiles; labels int64 [N]. `mean`
    and `std` are per channel, of the training images divided by 255. `human_labels` maps a noise
    name to int64 [N] labels of the training images. `superclasses[i]` is the superclass of class i;
    `superclasses` is None when the data set has no superclasses. `notes` holds what a result should
    say about its data. `truth_known` is false when the clean labels are unknown: `train_labels` and
    the test labels are then the labels as given.
    """

    name: str
    train_images: Images
    train_labels: Tensor
    test_images: Images
    test_labels: Tensor
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    human_labels: Mapping[str, Tensor] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    superclasses: tuple[int, ...] | None = None
    truth_known: bool = True

    @property
    def num_classes(self) -> int:
        """The number of classes, including any that no sample has."""
        return len(self.classes)
