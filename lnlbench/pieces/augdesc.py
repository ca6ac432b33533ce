"""AugDesc (Nishi et al., CVPR 2021): views to guess from, and others to descend on.

Followed: github.com/KentoNishi/Augmentation-for-LNL at 908a22b, presets.json and train_cifar.py.
Deviations: docs/methods/dividemix.md.
"""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from lnlbench.interface.batch import Batch

Augmentation = Literal[
    "runtime-w", "runtime-s", "ww", "ws", "ss", "ws-saw", "ws-randaugment", "raw"
]
DEFAULT: Augmentation = "runtime-w"


@dataclass(frozen=True)
class Strategy:
    """The augmentation of each purpose, by the names of `Run.batches`.

    `query`: views that labels are refined and guessed from; None for the very views of `descent`,
    which are mixed and trained on.
    """

    descent: str
    query: str | None = None
    warmup: str = "weak"

    @property
    def views(self) -> tuple[str, ...]:
        """What each view of a sample is: two for descent, then two for queries if they differ."""
        pairs = (self.descent,) if self.query is None else (self.descent, self.query)
        return tuple(name for name in pairs for _ in range(2))


def strategy(augmentation: Augmentation, operations: int, magnitude: int) -> Strategy:
    """The strategy of that name; `operations` and `magnitude` are RandAugment's."""
    match augmentation:
        case "runtime-w":
            return Strategy(descent="weak")
        case "runtime-s":
            return Strategy(descent="strong")
        case "ww":
            return Strategy(descent="weak", query="weak")
        case "ws":
            return Strategy(descent="strong", query="weak")
        case "ss":
            return Strategy(descent="strong", query="strong")
        case "ws-saw":
            return Strategy(descent="strong", query="weak", warmup="strong")
        case "ws-randaugment":
            return Strategy(descent=f"randaugment:{operations}:{magnitude}", query="weak")
        case "raw":
            return Strategy(descent="none", warmup="none")


def descent_views(batch: Batch) -> list[Tensor]:
    """The two views of a batch that are mixed and trained on."""
    return batch.views[:2]


def query_views(batch: Batch) -> list[Tensor]:
    """The two views of a batch that labels are refined and guessed from."""
    return batch.views[-2:]
