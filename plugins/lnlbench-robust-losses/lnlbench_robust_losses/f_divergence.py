"""f-divergence measures (Wei and Liu, ICLR 2021): how strongly predictions depend on labels.

Reference: github.com/weijiaheng/Robust-f-divergence-measures at 93d9efe, CIFAR-100/runner.py.
Details and deviations: docs/f-divergence.md.
"""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

from pydantic import Field
from torch import Tensor
from torch.nn.functional import softplus

import lnlbench
from lnlbench.pieces.label_losses import label_probability
from lnlbench_robust_losses.contrast import ContrastiveMethod


class Divergence(NamedTuple):
    """The variational form of a divergence, for the probability p of a label.

    `activation` is g(p), and `conjugate` f*(g(p)) as a function of p.
    """

    activation: Callable[[Tensor], Tensor]
    conjugate: Callable[[Tensor], Tensor]


# The five divergences that the authors recommend.
DIVERGENCES = {
    "total-variation": Divergence(lambda p: p.tanh() / 2, lambda p: p.tanh() / 2),
    "jensen-shannon": Divergence(
        lambda p: math.log(2) - softplus(-p), lambda p: p + softplus(-p) - math.log(2)
    ),
    "pearson": Divergence(lambda p: p, lambda p: p.square() / 4 + p),
    "kullback-leibler": Divergence(lambda p: p, lambda p: (p - 1).exp()),
    # Its conjugate has no closed form: this is the authors' expansion to the third order.
    "jeffreys": Divergence(lambda p: p, lambda p: p + p.square() / 4 + p.pow(3) / 16),
}


def negative_divergence(
    divergence: str, logits: Tensor, labels: Tensor, peer_logits: Tensor, peer_labels: Tensor
) -> Tensor:
    """Minus the lower bound E[g] - E[f*(g)] of the divergence between joint and independent pairs.

    The first mean is over a batch, the second over its peers.
    """
    activation, conjugate = DIVERGENCES[divergence]
    on_label = label_probability(logits, labels)
    on_peer = label_probability(peer_logits, peer_labels)
    return conjugate(on_peer).mean() - activation(on_label).mean()


class FDivergence(ContrastiveMethod):
    """Cross-entropy for a warm-up, then maximizes the divergence of predictions and labels."""

    name = "f-divergence"
    reference = (
        "Wei, Liu, When Optimizing f-divergence is Robust with Label Noise, ICLR 2021, "
        "arxiv.org/abs/2011.03687"
    )
    warmup_share = 240 / 390  # the authors' CIFAR-100 runs: 240 epochs of warm-up, then 150 more

    class Params(lnlbench.Params):
        """The paper tunes the divergence; the default is the first in the authors' list."""

        divergence: Literal[
            "total-variation", "jensen-shannon", "pearson", "kullback-leibler", "jeffreys"
        ] = Field("total-variation", description="Which f-divergence is maximized.")
        warmup_epochs: int | None = Field(
            None,
            ge=0,
            le=100_000,
            description="Epochs of cross-entropy first; by default 8 thirteenths of the run.",
        )
        stability: float = Field(
            1e-5,
            gt=0,
            lt=1,
            description="Added to probabilities before the logarithm of the warm-up.",
        )

    def contrast(
        self, logits: Tensor, labels: Tensor, peer_logits: Tensor, peer_labels: Tensor
    ) -> Tensor:
        """Minus the estimate of the divergence."""
        return negative_divergence(self.params.divergence, logits, labels, peer_logits, peer_labels)
