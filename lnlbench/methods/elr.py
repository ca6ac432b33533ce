"""Early-learning regularization (Liu et al., NeurIPS 2020): hold on to early predictions.

Reference: github.com/shengliu66/ELR at 934af53, ELR/model/loss.py. Details and deviations:
docs/methods/elr.md.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy

import lnlbench
from lnlbench.interface.method import Method
from lnlbench.interface.params import Recipe, SearchRange
from lnlbench.interface.run import Run
from lnlbench.pieces.early_learning import (
    clamped_probabilities,
    early_learning_penalty,
    moved_targets,
    target_belief,
)


class EarlyLearningRegularization(Method):
    """Cross-entropy, pulled towards the running mean of each sample's own predictions."""

    name = "elr"
    reference = "Liu et al., Early-Learning Regularization, NeurIPS 2020, arxiv.org/abs/2007.00151"
    recipes = {  # noqa: RUF012 - declared as a ClassVar by the base class
        "cifar10": Recipe(
            params={"target_momentum": 0.7, "regularization": 3.0},
            note="The authors' values for CIFAR-10.",
        ),
        "native": Recipe(
            schedule={
                "backbone": "resnet34",
                "epochs": 150,
                "batch_size": 128,
                "optimizer": {"name": "sgd", "lr": 0.02, "momentum": 0.9, "weight_decay": 1e-3},
                "milestones": [80 / 150, 120 / 150],
                "gamma": 0.01,
                "validation": 0.1,
            },
            note="The authors' CIFAR-100 schedule, with a tenth of the noisy set held out.",
        ),
    }

    class Params(lnlbench.Params):
        """Defaults are the authors' values for CIFAR-100."""

        target_momentum: Annotated[float, SearchRange(0.5, 0.99)] = Field(
            0.9,
            ge=0,
            lt=1,
            description="Share of a target that remains after an epoch; β in the paper.",
        )
        regularization: Annotated[float, SearchRange(0.5, 20.0, log=True)] = Field(
            7.0, ge=0, description="Weight of the regularizer; λ in the paper."
        )

    def fit(self, run: Run) -> None:
        """Train one network, and beside it a target for each sample."""
        self.network = run.network()
        self.optimizer = run.optimizer(self.network)
        self.targets = torch.zeros(run.num_samples, run.num_classes, device=run.device)
        self.labels = run.labels
        for _ in run.epochs():
            for batch in run.batches(views=1):
                logits = self.network(batch.views[0])
                probabilities = clamped_probabilities(logits)
                given = probabilities.detach()
                targets = moved_targets(
                    self.targets[batch.index],
                    given / given.sum(1, keepdim=True),
                    self.params.target_momentum,
                )
                self.targets[batch.index] = targets
                penalty = early_learning_penalty(targets, probabilities)
                loss = cross_entropy(logits, batch.labels) + self.params.regularization * penalty
                run.step(loss, self.optimizer)

    def clean_probability(self) -> Tensor | None:
        """The share of each sample's target that lies on its given label."""
        return target_belief(self.targets, self.labels)
