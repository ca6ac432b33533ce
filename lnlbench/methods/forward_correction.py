"""Forward loss correction (Patrini et al., CVPR 2017) with an estimated transition matrix.

Reference: github.com/giorgiop/loss-correction at 15a79de. Details and deviations:
docs/methods/forward-correction.md.
"""

from typing import ClassVar

from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softmax

import lnlbench
from lnlbench.interface.method import Method
from lnlbench.interface.run import Run
from lnlbench.pieces.presets import preset, warmup_length
from lnlbench.pieces.transition import estimate_transition_matrix, forward_corrected_loss

# Share of the samples that the authors leave out before an anchor, unless classes are many.
DISCARDED_OF_FEW = 0.03


class ForwardCorrection(Method):
    """Estimate how labels flip, then train a new network through that matrix."""

    name = "forward-correction"
    reference = "Patrini et al., Loss Correction, CVPR 2017, arxiv.org/abs/1609.03683"
    quick_params: ClassVar = {"warmup_epochs": 1}

    class Params(lnlbench.Params):
        """Defaults are the authors' rules; they train both networks for the full length."""

        warmup_epochs: int | None = Field(
            None,
            ge=1,
            description="Epochs of cross-entropy before the matrix is estimated; by default a "
            "third of the run.",
        )
        discarded: float | None = Field(
            None,
            ge=0,
            lt=1,
            description="Share of the most confident samples of a class that cannot be its anchor; "
            "by default 0 from 100 classes on, else 0.03.",
        )

    def fit(self, run: Run) -> None:
        """Train with cross-entropy, estimate the matrix, and train another network from scratch."""
        self.estimator, self.network = run.network(), run.network()
        self.estimator_optimizer = run.optimizer(self.estimator)
        self.optimizer = run.optimizer(self.network)
        self.transition_matrix: Tensor | None = None
        warmup_epochs = warmup_length(self.params.warmup_epochs, 1 / 3, run.max_epochs)
        for epoch in run.epochs():
            if epoch >= warmup_epochs and self.transition_matrix is None:
                self.transition_matrix = self._estimate(run)
            for batch in run.batches(views=1):
                if self.transition_matrix is None:
                    loss = cross_entropy(self.estimator(batch.views[0]), batch.labels)
                    run.step(loss, self.estimator_optimizer)
                else:
                    logits = self.network(batch.views[0])
                    loss = forward_corrected_loss(logits, batch.labels, self.transition_matrix)
                    run.step(loss, self.optimizer)

    def trained_networks(self) -> list[nn.Module]:
        """The network of the stage that is running."""
        return [self.estimator if self.transition_matrix is None else self.network]

    def _estimate(self, run: Run) -> Tensor:
        discarded = preset(
            self.params.discarded, few=DISCARDED_OF_FEW, many=0.0, num_classes=run.num_classes
        )
        probabilities = softmax(run.logits(self.estimator), 1)
        matrix = estimate_transition_matrix(probabilities, discarded)
        run.log(estimated_noise_rate=1 - matrix.diagonal().mean())
        return matrix
