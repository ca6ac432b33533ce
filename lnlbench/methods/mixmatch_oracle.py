"""MixMatch (Berthelot et al., NeurIPS 2019) whose labeled samples are those with a right label."""

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import one_hot, softmax

import lnlbench
from lnlbench.interface.batch import Batch
from lnlbench.interface.method import Method
from lnlbench.interface.run import Run
from lnlbench.methods.cross_entropy import rightly_labeled
from lnlbench.networks.view_passes import view_logits
from lnlbench.pieces import mixmatch


class MixMatchOracle(Method):
    """Semi-supervised learning after a perfect division of the data: shown, never ranked."""

    name = "mixmatch-oracle"
    reference = "Berthelot et al., MixMatch, NeurIPS 2019, arxiv.org/abs/1905.02249"
    oracle = frozenset({"clean_labels"})

    class Params(lnlbench.Params):
        """Defaults are those of DivideMix, of which this is the bound."""

        temperature: float = Field(0.5, ge=0.1, le=10, description="Sharpening of guessed labels.")
        mixup_alpha: float = Field(4.0, gt=0, description="Mixup draws λ from Beta(alpha, alpha).")
        lambda_u: float = Field(
            25.0, ge=0, description="Weight of the unlabeled loss after ramp-up."
        )
        rampup_epochs: float = Field(
            16, ge=0, description="Epochs over which lambda_u rises from 0."
        )
        prior_penalty: float = Field(
            1.0, ge=0, description="Weight of the penalty for predicting some classes only."
        )

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
        size = max(2, run.batch_size // 2)
        steps = -(-len(labeled) // size)
        for epoch in run.epochs():
            others = mixmatch.endless_batches(run, unlabeled, size)
            for step, batch in enumerate(run.batches(labeled, views=2, batch_size=size)):
                ramp = mixmatch.linear_rampup(epoch + step / steps, self.params.rampup_epochs)
                run.step(self._loss(run, batch, next(others, None), ramp), self.optimizer)

    def _loss(self, run: Run, batch: Batch, other: Batch | None, ramp: float) -> Tensor:
        """MixMatch on one labeled and one unlabeled batch (`other`; None when there is none)."""
        inputs = list(batch.views)
        targets = [one_hot(batch.labels, run.num_classes).float()] * len(inputs)
        if other is not None:
            with torch.no_grad():
                logits = view_logits(self.network, other.views)
                guesses = torch.stack([softmax(part, 1) for part in logits])
                guessed = mixmatch.sharpen(guesses.mean(0), self.params.temperature)
            inputs += other.views
            targets += [guessed] * len(other.views)
        mixed, soft_labels = torch.cat(inputs), torch.cat(targets)
        return mixmatch.mixed_loss(
            self.network,
            mixed,
            soft_labels,
            num_labeled=len(batch.index) * len(batch.views),
            share=mixmatch.mixup_share(self.params.mixup_alpha, run.generator),
            partners=mixmatch.mixup_partners(run, len(mixed)),
            unlabeled_weight=self.params.lambda_u * ramp,
            prior_weight=self.params.prior_penalty,
        )
