"""What a run gives to a method: batches of training samples, and samples with clean labels."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Some training samples: `index` int64 [B], `views` each [B, ...] float32, `labels` int64 [B].

    `labels` are the noisy labels; `index` serves to look up state that a method keeps per sample.
    """

    index: Tensor
    views: list[Tensor]
    labels: Tensor


@dataclass(frozen=True)
class CleanSubset:
    """Training samples with known clean labels: `index` and `labels`, both int64 [M]."""

    index: Tensor
    labels: Tensor
