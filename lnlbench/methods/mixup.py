"""mixup (Zhang et al., ICLR 2018): training on blends of two images and of their labels.

Worked from the paper's equations. Details and deviations: docs/methods/mixup.md.
"""

from typing import Annotated

from pydantic import Field
from torch import Tensor
from torch.nn.functional import one_hot

import lnlbench
from lnlbench.interface.batch import Batch
from lnlbench.interface.method import Method
from lnlbench.interface.params import SearchRange
from lnlbench.interface.run import Run
from lnlbench.pieces import mixup


class Mixup(Method):
    """One network trained on convex combinations of the samples of a batch."""

    name = "mixup"
    reference = "Zhang et al., mixup, ICLR 2018, arxiv.org/abs/1710.09412"

    class Params(lnlbench.Params):
        """The default is the authors' value for CIFAR; for wrong labels they also try 8 and 32."""

        mixup_alpha: Annotated[float, SearchRange(0.1, 32.0, log=True)] = Field(
            1.0, gt=0, description="λ is drawn from Beta(alpha, alpha)."
        )

    def fit(self, run: Run) -> None:
        """Train one network on mixed batches."""
        self.network = run.network()
        self.optimizer = run.optimizer(self.network)
        for _ in run.epochs():
            for batch in run.batches(views=1):
                run.step(self._loss(run, batch), self.optimizer)

    def _loss(self, run: Run, batch: Batch) -> Tensor:
        """Cross-entropy of one mixed batch: one share, and one permutation for the partners."""
        # The larger share is no restriction: exchanging the shares inverts the permutation.
        share = mixup.draw_share(self.params.mixup_alpha, run.generator)
        partners = mixup.draw_partners(len(batch.index), run.generator, run.device)
        images = mixup.mix(batch.views[0], share, partners)
        labels = one_hot(batch.labels, run.num_classes).to(images.dtype)
        return mixup.soft_cross_entropy(self.network(images), mixup.mix(labels, share, partners))
