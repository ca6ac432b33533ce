"""Backward loss correction (Patrini et al., CVPR 2017) with an estimated transition matrix.

Reference: github.com/giorgiop/loss-correction at 15a79de, loss.py and models.py. Details and
deviations: docs/backward-correction.md.
"""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softmax

import lnlbench
from lnlbench.pieces.transition import estimate_transition_matrix
from lnlbench.pieces.warmup import warmup_length

# The authors keep probabilities this far away from 0 and from 1; outside there is no gradient.
MARGIN = 1e-7
# Shares of the identity that a matrix is mixed with; above one half none can be singular.
SHARES = torch.linspace(0, 0.6, 61, dtype=torch.float64).tolist()


def invert(matrix: Tensor, largest_condition: float) -> tuple[Tensor, float]:
    """Inverse of the transition matrix [C, C], mixed with the identity if need be, and its share.

    The share is the least hundredth with which the mixture's condition number is at most
    `largest_condition`, or 0.6 if no smaller one suffices. Computed in float64; the inverse has the
    matrix's dtype, and its rows sum to one.
    """
    exact = matrix.double()
    identity = torch.eye(len(matrix), dtype=exact.dtype, device=exact.device)
    for share in SHARES:
        mixed = share * identity + (1 - share) * exact
        if torch.linalg.cond(mixed) <= largest_condition:
            break
    return torch.linalg.inv(mixed).to(matrix.dtype), share


def backward_corrected_loss(logits: Tensor, labels: Tensor, inverse: Tensor) -> Tensor:
    """Mean over the batch of row `label` of the inverse times the losses of all labels.

    `logits` [B, C], `labels` int64 [B], `inverse` [C, C]. The loss may be negative, since the
    inverse has negative entries (theorem 1 of the paper).
    """
    probabilities = softmax(logits, 1).clamp(MARGIN, 1 - MARGIN)
    return -(inverse[labels] * probabilities.log()).sum(1).mean()


class BackwardCorrection(lnlbench.Method):
    """Estimate how labels flip, then train a new network with the losses that undo the flips."""

    name = "backward-correction"
    reference = "Patrini et al., Loss Correction, CVPR 2017, arxiv.org/abs/1609.03683"
    recipes = {  # noqa: RUF012 - declared as a ClassVar by the base class
        "cifar10": lnlbench.Recipe(
            params={"discarded": 0.03}, note="The authors' share for CIFAR-10."
        )
    }
    quick_params: ClassVar = {"warmup_epochs": 1}

    class Params(lnlbench.Params):
        """Defaults are the authors' rules; they train both networks for the full length."""

        warmup_epochs: int | None = Field(
            None,
            ge=1,
            le=100_000,
            description="Epochs of cross-entropy before the matrix is estimated; by default a "
            "third of the run.",
        )
        discarded: float = Field(
            0.0,
            ge=0,
            lt=1,
            description="Share of the most confident samples of a class that cannot be its anchor.",
        )
        largest_condition: float = Field(
            100.0,
            ge=2,
            le=1e12,
            description="A matrix with a larger condition number is mixed with the identity "
            "before it is inverted.",
        )

    def fit(self, run: lnlbench.Run) -> None:
        """Train with cross-entropy, estimate the matrix, and train another network from scratch."""
        self.estimator, self.network = run.network(), run.network()
        self.estimator_optimizer = run.optimizer(self.estimator)
        self.optimizer = run.optimizer(self.network)
        self.inverse: Tensor | None = None
        warmup_epochs = warmup_length(self.params.warmup_epochs, 1 / 3, run.max_epochs)
        for epoch in run.epochs():
            if epoch >= warmup_epochs and self.inverse is None:
                self.inverse = self._estimate(run)
            for batch in run.batches(views=1):
                if self.inverse is None:
                    loss = cross_entropy(self.estimator(batch.views[0]), batch.labels)
                    run.step(loss, self.estimator_optimizer)
                else:
                    logits = self.network(batch.views[0]).float()
                    loss = backward_corrected_loss(logits, batch.labels, self.inverse)
                    run.step(loss, self.optimizer)

    def trained_networks(self) -> list[nn.Module]:
        """The network of the stage that is running."""
        return [self.estimator if self.inverse is None else self.network]

    def _estimate(self, run: lnlbench.Run) -> Tensor:
        """The inverse of the matrix that the first network has learned."""
        probabilities = softmax(run.logits(self.estimator), 1)
        matrix = estimate_transition_matrix(probabilities, self.params.discarded)
        inverse, share = invert(matrix, self.params.largest_condition)
        if share > 0:
            run.event(
                "matrix mixed with the identity",
                f"its condition number is above {self.params.largest_condition:g}; "
                f"the identity has a share of {share:.2f}",
            )
        run.log(
            estimated_noise_rate=1 - matrix.diagonal().mean(),
            largest_loss_weight=inverse.abs().max(),
        )
        return inverse
