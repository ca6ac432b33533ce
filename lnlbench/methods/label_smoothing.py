"""Label smoothing (Szegedy et al., CVPR 2016; for noisy labels Lukasik et al., ICML 2020).

Worked from the papers. Details: docs/methods/label-smoothing.md.
"""

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import lnlbench
from lnlbench.interface.batch import Batch
from lnlbench.interface.method import LossMethod
from lnlbench.interface.params import SearchRange


class LabelSmoothing(LossMethod):
    """Cross-entropy with a share of each label spread evenly over all classes."""

    name = "label-smoothing"
    reference = (
        "Lukasik et al., Does Label Smoothing Mitigate Label Noise?, ICML 2020, "
        "arxiv.org/abs/2003.02819"
    )

    class Params(lnlbench.Params):
        """The default is the usual value."""

        smoothing: Annotated[float, SearchRange(0.0, 0.9)] = Field(
            0.1,
            ge=0,
            lt=1,
            description="Share of the label that is spread evenly over all classes.",
        )

    def loss(self, network: nn.Module, batch: Batch, epoch: int) -> Tensor:
        """Cross-entropy with the smoothed noisy labels."""
        logits = network(batch.views[0])
        return cross_entropy(logits, batch.labels, label_smoothing=self.params.smoothing)
