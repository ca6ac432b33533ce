"""AugDesc: one kind of views to guess labels from, and another kind to train on.

Source: Nishi et al., CVPR 2021 (arXiv 2103.02130) and github.com/KentoNishi/Augmentation-for-LNL at
908a22b, presets.json and train_cifar.py. Deviations: docs/methods/dividemix.md.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor

from lnlbench.document import LeftOut
from lnlbench.interface.batch import Batch
from lnlbench.interface.params import Params

Augmentation = Literal[
    "runtime-w", "runtime-s", "ww", "ws", "ss", "ws-saw", "ws-randaugment", "raw"
]
_WITH_RANDAUGMENT = LeftOut(unless=("augmentation", ("ws-randaugment",)))


@dataclass(frozen=True)
class Strategy:
    """The augmentation for each purpose, by its name in `run.batches`.

    `descent`: views that are mixed and trained on. `query`: views that labels are refined and
    guessed from; None if these are the views of `descent`. `warmup`: the views of the warm-up.
    """

    descent: str
    query: str | None = None
    warmup: str = "weak"

    @property
    def views(self) -> tuple[str, ...]:
        """The augmentation of each view: two for descent, then two for queries if they differ."""
        pairs = (self.descent,) if self.query is None else (self.descent, self.query)
        return tuple(name for name in pairs for _ in range(2))


class AugDescParams(Params):
    """Which strategy a method follows; the default is the one of DivideMix's authors."""

    augmentation: Annotated[Augmentation, LeftOut()] = Field(
        "runtime-w",
        description="AugDesc's name of a strategy: first the views that labels are guessed from, "
        "then the views that are trained on; w is weak, s is strong (AutoAugment). saw also warms "
        "up on strong views. runtime-* guesses from the views that it trains on; runtime-w is "
        "DivideMix. raw augments nothing.",
    )
    randaugment_operations: Annotated[int, _WITH_RANDAUGMENT] = Field(
        1, ge=1, le=14, description="Operations on each image; used by ws-randaugment alone."
    )
    randaugment_magnitude: Annotated[int, _WITH_RANDAUGMENT] = Field(
        6,
        ge=0,
        le=30,
        description="Magnitude of these operations, of 30; used by ws-randaugment alone.",
    )

    def strategy(self) -> Strategy:
        """The strategy of that name."""
        match self.augmentation:
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
                operations, magnitude = self.randaugment_operations, self.randaugment_magnitude
                return Strategy(descent=f"randaugment:{operations}:{magnitude}", query="weak")
            case "raw":
                return Strategy(descent="none", warmup="none")


def descent_views(batch: Batch) -> list[Tensor]:
    """The two views of a batch that are mixed and trained on, each [B, ...]."""
    return batch.views[:2]


def query_views(batch: Batch) -> list[Tensor]:
    """The two views of a batch that labels are refined and guessed from, each [B, ...]."""
    return batch.views[-2:]
