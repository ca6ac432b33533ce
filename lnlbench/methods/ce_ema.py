"""Weight averaging (Morales-Brotons et al., TMLR 2024): an average over the training predicts.

Worked from the paper. Details: docs/methods/ce-ema.md.
"""

from typing import Annotated

from pydantic import Field
from torch import nn
from torch.nn.functional import cross_entropy

import lnlbench
from lnlbench.interface.method import Method
from lnlbench.interface.params import SearchRange
from lnlbench.interface.run import Run
from lnlbench.pieces.averaging import update_average


class CrossEntropyEMA(Method):
    """Plain training on the noisy labels, scored by the moving average of the network's weights."""

    name = "ce-ema"
    reference = (
        "Morales-Brotons et al., Exponential Moving Average of Weights in Deep Learning, "
        "TMLR 2024, arxiv.org/abs/2411.18704"
    )

    class Params(lnlbench.Params):
        """The default averages over some thousand steps, or less of a short run."""

        ema_decay: Annotated[float, SearchRange(0.9, 0.9999)] = Field(
            0.999, ge=0, lt=1, description="Share of the average that remains after a step."
        )

    def fit(self, run: Run) -> None:
        """Train one network and average its weights after every step."""
        self.network, self.average = run.network(), run.network()
        self.optimizer = run.optimizer(self.network)
        self.averaged = 0
        for _ in run.epochs():
            for batch in run.batches(views=1):
                run.step(cross_entropy(self.network(batch.views[0]), batch.labels), self.optimizer)
                decay = self.params.ema_decay
                update_average(self.average, self.network, self.averaged, decay, buffers="averaged")
                self.averaged += 1

    def trained_networks(self) -> list[nn.Module]:
        """The average alone: the network it is made of is never scored."""
        return [self.average]
