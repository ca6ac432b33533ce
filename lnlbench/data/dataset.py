"""A data set: images, clean labels, test split, and human labels where they exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from lnlbench.data.image_files import Images


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images, or features in their place, with clean labels; only `human_labels` are noisy.

    Images are uint8 [N, C, H, W], held in tensors or read from ImageFiles; features are float32
    [N, D]. Labels are int64 [N]. `mean` and `std` are per channel, of the training images divided
    by 255, and empty for features. `human_labels` maps a noise
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

    @property
    def holds_features(self) -> bool:
        """Whether the samples are features [N, D], which heads are trained on, and not images."""
        return self.train_images.ndim == 2

    @classmethod
    def from_arrays(
        cls,
        data: Any,
        labels: Any,
        test_data: Any = None,
        test_labels: Any = None,
        *,
        clean_labels: Any = None,
        classes: Sequence[Any] | None = None,
        name: str = "arrays",
        test_share: float = 0.2,
        test_seed: int = 0,
    ) -> Dataset:
        """A data set from NumPy arrays, tensors or lists; the labels may be wrong.

        `data` holds images, uint8 [N, height, width, 3], [N, height, width] or [N, 3, height,
        width], or features, numbers [N, D]. Images that are not square get black borders. `labels`
        [N] are numbers or texts. `clean_labels` are known in experiments only: scores that need the
        truth are then measured. `classes` are all labels in order; without it, those that occur.
        Without a test split, a share of the samples is held out, and results say so.

        Raises:
            DataError: an array has a wrong shape, type or value; the message says which.
            UsageError: the arguments contradict each other.
        """
        from lnlbench.data.arrays import fields_from_arrays

        fields = fields_from_arrays(
            *(data, labels, test_data, test_labels),
            clean_labels=clean_labels,
            classes=classes,
            name=name,
            test_share=test_share,
            test_seed=test_seed,
        )
        return cls(**fields)
