"""What a run hands to a method: batches of training samples, and samples whose truth is known."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Some training samples: `index` int64 [B], `views` each [B, ...] float32, `labels` int64 [B].

    `labels` are the noisy ones; `index` addresses per-sample state that a method keeps.
    """

    index: Tensor
    views: list[Tensor]
    labels: Tensor


@dataclass(frozen=True)
class CleanSubset:
    """Training samples whose truth is known: `index` and clean `labels`, both int64 [M]."""

    index: Tensor
    labels: Tensor
