"""Forward loss correction (Patrini et al., CVPR 2017) with an estimated transition matrix.

Followed: github.com/giorgiop/loss-correction at 15a79de. Details and deviations:
docs/methods/forward-correction.md.
"""

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softmax

import lnlbench
from lnlbench.interface.method import Method
from lnlbench.interface.run import Run

# The authors take the most confident sample as anchor from this number of classes on.
MANY_CLASSES = 100
DISCARDED_OTHERWISE = 0.03


def estimate_transition_matrix(probabilities: Tensor, discarded: float) -> Tensor:
    """T [C, C], rows summing to one: row i is the prediction for the anchor point of class i.

    The anchor is the sample of highest probability [N, C] for the class after the share
    `discarded` with still higher ones has been left out.
    """
    rank = int(discarded * len(probabilities))
    anchors = probabilities.argsort(dim=0, descending=True, stable=True)[rank]
    rows = probabilities[anchors]
    return rows / rows.sum(1, keepdim=True)


def forward_corrected_loss(logits: Tensor, labels: Tensor, transition_matrix: Tensor) -> Tensor:
    """Mean of -log of (p T) at the noisy label, for predictions p of the clean label (eq. 5)."""
    noisy = softmax(logits, 1) @ transition_matrix
    on_label = noisy.gather(1, labels.unsqueeze(1)).squeeze(1)
    # A label that T calls impossible must cost much, not infinitely much.
    return -on_label.clamp(min=torch.finfo(noisy.dtype).tiny).log().mean()


class ForwardCorrection(Method):
    """Estimate how labels flip, then train a new network through that matrix."""

    name = "forward-correction"
    reference = "Patrini et al., Loss Correction, CVPR 2017, arxiv.org/abs/1609.03683"

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
        warmup_epochs = self.params.warmup_epochs or max(1, round(run.max_epochs / 3))
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
        discarded = self.params.discarded
        if discarded is None:
            discarded = 0.0 if run.num_classes >= MANY_CLASSES else DISCARDED_OTHERWISE
        probabilities = softmax(run.logits(self.estimator), 1)
        matrix = estimate_transition_matrix(probabilities, discarded)
        run.log(estimated_noise_rate=1 - matrix.diagonal().mean())
        return matrix
