"""MixMatch (Berthelot et al., NeurIPS 2019) whose labeled samples are those with a right label.

Worked from the paper, with DivideMix's losses. Details: docs/methods/mixmatch-oracle.md.
"""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from lnlbench.interface.batch import Batch
from lnlbench.interface.method import Method
from lnlbench.interface.run import Run
from lnlbench.methods.cross_entropy import rightly_labeled
from lnlbench.networks.view_passes import view_logits
from lnlbench.pieces import mixmatch
from lnlbench.pieces.mixmatch import MixMatchParams
from lnlbench.pieces.ramps import linear_rampup


class MixMatchOracle(Method):
    """Semi-supervised learning after a perfect division of the data: shown, never ranked."""

    name = "mixmatch-oracle"
    reference = "Berthelot et al., MixMatch, NeurIPS 2019, arxiv.org/abs/1905.02249"
    oracle = frozenset({"clean_labels"})

    class Params(MixMatchParams):
        """Defaults are those of DivideMix, whose bound this is."""

    def fit(self, run: Run) -> None:
        """Train one network; the length of an epoch follows the labeled samples."""
        right = rightly_labeled(run)
        self.network = run.network()
        self.optimizer = run.optimizer(self.network)
        labeled = right.nonzero().squeeze(1)
        unlabeled = (~right).nonzero().squeeze(1)
        if len(unlabeled) == 1:
            # Batch normalization cannot guess for one sample alone.
            unlabeled = unlabeled[:0]
        for epoch in run.epochs():
            for batch, other, time in mixmatch.paired_batches(run, labeled, unlabeled):
                ramp = linear_rampup(epoch + time, self.params.rampup_epochs)
                run.step(self._loss(run, batch, other, ramp), self.optimizer)

    def _loss(self, run: Run, batch: Batch, other: Batch | None, ramp: float) -> Tensor:
        """MixMatch on one labeled batch and an unlabeled one (`other`; None if there is none)."""
        inputs = list(batch.views)
        targets = [one_hot(batch.labels, run.num_classes).float()] * len(inputs)
        num_labeled = len(batch.index) * len(inputs)
        if other is not None:
            with torch.no_grad():
                guesses = mixmatch.mean_probabilities(view_logits(self.network, other.views))
                guessed = mixmatch.sharpen(guesses, self.params.temperature)
            inputs += other.views
            targets += [guessed] * len(other.views)
        return mixmatch.training_loss(
            run,
            self.network,
            torch.cat(inputs),
            torch.cat(targets),
            num_labeled,
            self.params,
            ramp,
        )
