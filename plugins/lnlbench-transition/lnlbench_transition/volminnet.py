"""VolMinNet (Li et al., ICML 2021): network and transition matrix learn together.

Reference: github.com/xuefeng-li1/Provably-end-to-end-label-noise-learning-without-anchor-points at
06e4167, main.py and models.py. Details and deviations: docs/volminnet.md.
"""

from functools import partial
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

import lnlbench
from lnlbench.pieces.transition import forward_corrected_loss

OPTIMIZERS = {"adam": torch.optim.Adam, "sgd": partial(torch.optim.SGD, momentum=0.9)}


class TransitionMatrix(nn.Module):
    """A matrix [C, C] that learns: its rows sum to one, and its diagonal is the largest in each.

    Before its rows are normalized it has 1 on the diagonal and a sigmoid of a weight elsewhere.
    Every weight begins at minus `start`.
    """

    def __init__(self, classes: int, start: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((classes, classes), -start))

    def forward(self) -> Tensor:
        """The matrix as it is now."""
        identity = torch.eye(len(self.weight), device=self.weight.device, dtype=self.weight.dtype)
        entries = identity + (1 - identity) * self.weight.sigmoid()
        return entries / entries.sum(1, keepdim=True)


def volume_minimizing_loss(
    logits: Tensor, labels: Tensor, matrix: Tensor, volume_weight: float
) -> Tensor:
    """The loss through the matrix, plus its weighted log volume, log |det T|.

    `logits` [B, C], `labels` int64 [B], `matrix` [C, C].
    """
    log_volume = torch.linalg.slogdet(matrix).logabsdet
    return forward_corrected_loss(logits, labels, matrix) + volume_weight * log_volume


class VolMinNet(lnlbench.Method):
    """Predictions pass through a matrix that learns with the network and is kept small."""

    name = "volminnet"
    reference = (
        "Li et al., Provably End-to-end Label-noise Learning without Anchor Points, ICML 2021, "
        "arxiv.org/abs/2102.02400"
    )
    recipes = {  # noqa: RUF012 - declared as a ClassVar by the base class
        "cifar10": lnlbench.Recipe(
            params={"start": 2.0, "transition_optimizer": "sgd"},
            note="The authors' start and optimizer of the matrix for CIFAR-10.",
        ),
        "native": lnlbench.Recipe(
            schedule={
                "backbone": "resnet34",
                "epochs": 80,
                "batch_size": 128,
                "optimizer": {"name": "sgd", "lr": 0.01, "momentum": 0.9, "weight_decay": 1e-4},
                "milestones": [0.375, 0.75],
            },
            note="The authors' CIFAR-100 schedule.",
        ),
    }

    class Params(lnlbench.Params):
        """Defaults are the authors' values for CIFAR-100."""

        volume_weight: float = Field(
            1e-4, ge=0, le=1e3, description="Weight of the matrix's log volume; λ in the paper."
        )
        start: float = Field(
            4.5,
            ge=-20,
            le=20,
            description="The weights behind the entries off the diagonal begin at minus this.",
        )
        transition_optimizer: Literal["adam", "sgd"] = Field(
            "adam", description="Optimizer of the matrix; sgd has a momentum of 0.9."
        )
        transition_lr: float = Field(
            0.01,
            gt=0,
            le=100,
            description="Learning rate of the matrix, which follows the schedule.",
        )

    def fit(self, run: lnlbench.Run) -> None:
        """Train network and matrix on the same loss, each with an optimizer of its own."""
        self.network = run.network()
        self.optimizer = run.optimizer(self.network)
        self.transition = run.helper(TransitionMatrix(run.num_classes, self.params.start))
        self.transition_optimizer = run.follow_schedule(self._transition_optimizer())
        for _ in run.epochs():
            for batch in run.batches(views=1):
                logits = self.network(batch.views[0]).float()
                matrix = self.transition()
                loss = volume_minimizing_loss(
                    logits, batch.labels, matrix, self.params.volume_weight
                )
                run.step(loss, self.optimizer, self.transition_optimizer)
            self._report(run)

    def _transition_optimizer(self) -> torch.optim.Optimizer:
        build = OPTIMIZERS[self.params.transition_optimizer]
        return build(self.transition.parameters(), lr=self.params.transition_lr)

    def _report(self, run: lnlbench.Run) -> None:
        with torch.no_grad():
            matrix = self.transition()
            run.log(
                estimated_noise_rate=1 - matrix.diagonal().mean(),
                log_volume=torch.linalg.slogdet(matrix).logabsdet,
            )
