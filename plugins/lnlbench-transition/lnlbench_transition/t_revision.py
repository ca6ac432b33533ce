"""T-Revision (Xia et al., NeurIPS 2019): reweighting by a transition matrix, which is then revised.

Reference: github.com/xiaoboxia/T-Revision at b598cf2, main.py and loss.py. Details and deviations:
docs/t-revision.md.
"""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softmax

import lnlbench
from lnlbench.pieces.label_losses import label_probability
from lnlbench.pieces.transition import estimate_transition_matrix
from lnlbench.pieces.warmup import warmup_length


class Revision(nn.Module):
    """What is added to the transition matrix, [C, C]; it begins with zeros."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(classes, classes))

    def forward(self, matrix: Tensor) -> Tensor:
        """The revised matrix, whose rows need not sum to one."""
        return matrix + self.weight


def importance(logits: Tensor, labels: Tensor, matrix: Tensor) -> Tensor:
    """Probability of the label as the true class, divided by that as the given one, per sample [B].

    `logits` [B, C], `labels` int64 [B], `matrix` [C, C].
    """
    noisy = (softmax(logits, 1) @ matrix).gather(1, labels.unsqueeze(1)).squeeze(1)
    return label_probability(logits, labels) / noisy.clamp(min=torch.finfo(noisy.dtype).tiny)


def reweighted_loss(logits: Tensor, labels: Tensor, matrix: Tensor) -> Tensor:
    """Mean cross-entropy, each sample weighted by its importance, which gets no gradient."""
    weights = importance(logits, labels, matrix).detach()
    return (weights * cross_entropy(logits, labels, reduction="none")).mean()


def revision_loss(logits: Tensor, labels: Tensor, matrix: Tensor) -> Tensor:
    """The same mean; gradients also flow through the importance, to the matrix and the network."""
    weights = importance(logits, labels, matrix)
    return (weights * cross_entropy(logits, labels, reduction="none")).mean()


class TRevision(lnlbench.Method):
    """Estimate a transition matrix, reweight samples by it, then revise it with the network."""

    name = "t-revision"
    reference = (
        "Xia et al., Are Anchor Points Really Indispensable in Label-Noise Learning?, "
        "NeurIPS 2019, arxiv.org/abs/1906.00189"
    )
    quick_params: ClassVar = {
        "estimation_epochs": 1,
        "revision_epochs": 1,
        "estimation_momentum": False,
    }
    recipes = {  # noqa: RUF012 - declared as a ClassVar by the base class
        "cifar10": lnlbench.Recipe(
            params={"discarded": 0.03}, note="The authors' share for CIFAR-10."
        ),
        "native": lnlbench.Recipe(
            params={"estimation_epochs": 15, "revision_epochs": 200, "estimation_momentum": False},
            schedule={
                "backbone": "resnet34",
                "epochs": 415,
                "batch_size": 128,
                "optimizer": {"name": "sgd", "lr": 0.01, "momentum": 0.9, "weight_decay": 1e-4},
                "milestones": [55 / 415, 95 / 415],
            },
            note="The authors' three stages for CIFAR-100: 15, 200 and 200 epochs.",
        ),
    }

    class Params(lnlbench.Params):
        """Values are the authors', except that the stages are thirds of the run."""

        estimation_epochs: int | None = Field(
            None,
            ge=1,
            le=100_000,
            description="Epochs of cross-entropy before the matrix is estimated; by default a "
            "third of the run.",
        )
        revision_epochs: int | None = Field(
            None,
            ge=0,
            le=100_000,
            description="Epochs at the end in which the matrix is revised; by default a third of "
            "the run.",
        )
        discarded: float = Field(
            0.0,
            ge=0,
            lt=1,
            description="Share of the most confident samples of a class that cannot be its anchor.",
        )
        estimation_momentum: bool = Field(
            True,
            description="Whether SGD has its momentum before the matrix is estimated; the authors' "
            "has none there.",
        )
        revision_lr: float = Field(
            5e-7,
            gt=0,
            le=1,
            description="Learning rate of Adam for network and matrix at the end; it follows no "
            "schedule.",
        )
        revision_weight_decay: float = Field(
            1e-4, ge=0, le=100, description="Weight decay of this Adam, as an L2 penalty."
        )

    def fit(self, run: lnlbench.Run) -> None:
        """Train one network in three stages, each with an optimizer of its own."""
        params = self.params
        self.network = run.network()
        self.revision = run.helper(Revision(run.num_classes))
        self.estimation_optimizer = run.optimizer(self.network)
        self.optimizer = run.optimizer(self.network)
        both = [*self.network.parameters(), *self.revision.parameters()]
        self.revision_optimizer = torch.optim.Adam(
            both, lr=params.revision_lr, weight_decay=params.revision_weight_decay
        )
        if not params.estimation_momentum:
            for group in self.estimation_optimizer.param_groups:
                group["momentum"] = 0.0
        self.transition_matrix: Tensor | None = None
        estimation_epochs = warmup_length(params.estimation_epochs, 1 / 3, run.max_epochs)
        last_epochs = warmup_length(params.revision_epochs, 1 / 3, run.max_epochs)
        for epoch in run.epochs():
            if epoch < estimation_epochs:
                self._estimation_epoch(run)
                continue
            if self.transition_matrix is None:
                self.transition_matrix = self._estimate(run)
            if epoch < run.max_epochs - last_epochs:
                self._reweighting_epoch(run, self.transition_matrix)
            else:
                self._revision_epoch(run, self.transition_matrix)

    def _estimation_epoch(self, run: lnlbench.Run) -> None:
        for batch in run.batches(views=1):
            loss = cross_entropy(self.network(batch.views[0]), batch.labels)
            run.step(loss, self.estimation_optimizer)

    def _estimate(self, run: lnlbench.Run) -> Tensor:
        probabilities = softmax(run.logits(self.network), 1)
        matrix = estimate_transition_matrix(probabilities, self.params.discarded)
        run.log(estimated_noise_rate=1 - matrix.diagonal().mean())
        return matrix

    def _reweighting_epoch(self, run: lnlbench.Run, matrix: Tensor) -> None:
        for batch in run.batches(views=1):
            logits = self.network(batch.views[0]).float()
            run.step(reweighted_loss(logits, batch.labels, matrix), self.optimizer)

    def _revision_epoch(self, run: lnlbench.Run, matrix: Tensor) -> None:
        for batch in run.batches(views=1):
            logits = self.network(batch.views[0]).float()
            loss = revision_loss(logits, batch.labels, self.revision(matrix))
            run.step(loss, self.revision_optimizer)
        run.log(largest_revision=self.revision.weight.detach().abs().max())
