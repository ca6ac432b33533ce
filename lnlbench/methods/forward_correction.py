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
from lnlbench.interface.params import Recipe
from lnlbench.interface.run import Run
from lnlbench.pieces.transition import estimate_transition_matrix, forward_corrected_loss
from lnlbench.pieces.warmup import warmup_length


class ForwardCorrection(Method):
    """Estimate how labels flip, then train a new network through that matrix."""

    name = "forward-correction"
    reference = "Patrini et al., Loss Correction, CVPR 2017, arxiv.org/abs/1609.03683"
    recipes = {  # noqa: RUF012 - declared as a ClassVar by the base class
        "cifar10": Recipe(params={"discarded": 0.03}, note="The authors' share for CIFAR-10.")
    }
    quick_params: ClassVar = {"warmup_epochs": 1}

    class Params(lnlbench.Params):
        """Defaults are the authors' rules; they train both networks for the full length."""

        warmup_epochs: int | None = Field(
            None,
            ge=1,
            description="Epochs of cross-entropy before the matrix is estimated; by default a "
            "third of the run.",
        )
        discarded: float = Field(
            0.0,
            ge=0,
            lt=1,
            description="Share of the most confident samples of a class that cannot be its anchor.",
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
        probabilities = softmax(run.logits(self.estimator), 1)
        matrix = estimate_transition_matrix(probabilities, self.params.discarded)
        run.log(estimated_noise_rate=1 - matrix.diagonal().mean())
        return matrix
