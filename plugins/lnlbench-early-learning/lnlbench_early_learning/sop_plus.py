"""SOP+ (Liu et al., ICML 2022): SOP with agreement between views, and balanced classes.

Reference: github.com/shengliu66/SOP at 4d991ce, model/loss.py. Details and deviations:
docs/sop-plus.md.
"""

from typing import ClassVar

from pydantic import Field
from torch import Tensor

from lnlbench_early_learning import overparameterization as sparse
from lnlbench_early_learning.sop import SOP, SOPParams


class SOPPlus(SOP):
    """SOP on a weak view, with a strong view that has to agree and classes kept in balance."""

    name = "sop-plus"
    views: ClassVar[tuple[str, ...]] = ("weak", "strong")

    class Params(SOPParams):
        """Defaults are the authors' values for symmetric noise on CIFAR-100."""

        consistency_weight: float = Field(
            0.9, ge=0, le=1e6, description="Weight of the divergence between both views."
        )
        balance_weight: float = Field(
            0.1, ge=0, le=1e6, description="Weight of the term that keeps classes balanced."
        )

    def loss(self, logits: Tensor, labels: Tensor, u: Tensor, v: Tensor) -> Tensor:
        """SOP's loss of the weak views, which come first in logits [2B, C], and both terms."""
        weak, strong = logits.chunk(2)
        prediction = sparse.corrected_prediction(weak, sparse.label_noise(u, v, labels))
        return (
            super().loss(weak, labels, u, v)
            + self.params.balance_weight * sparse.class_balance(prediction)
            + self.params.consistency_weight * sparse.consistency(weak, strong)
        )
