"""Deep k-NN (Bahri, Jiang, Gupta, ICML 2020): labels of the most similar training samples vote.

Worked from the paper. Details: docs/methods/knn.md.
"""

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

import lnlbench
from lnlbench.interface.method import Method
from lnlbench.interface.params import Recipe, SearchRange
from lnlbench.interface.run import Run
from lnlbench.pieces.neighbors import nearest, neighborhood_shares, to_units, unit_features, vote

# Share of a class without any vote: logits are finite, and a vote always counts more.
_UNSEEN = 1e-4


class NeighborVote(nn.Module):
    """Log shares of the classes among the nearest training samples of each input."""

    features: Tensor
    labels: Tensor

    def __init__(self, features: Tensor, labels: Tensor, num_classes: int, count: int) -> None:
        super().__init__()
        # Not part of the state: a resumed run reads them from its training set.
        self.register_buffer("features", features, persistent=False)
        self.register_buffer("labels", labels, persistent=False)
        self.num_classes = num_classes
        self.count = count

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits float32 [B, C]."""
        found = nearest(to_units(inputs), self.features, self.count)
        return (vote(found, self.labels, self.num_classes) + _UNSEEN).log()


class KNearest(Method):
    """No training: each test sample gets the label of most of its similar training samples."""

    name = "knn"
    reference = (
        "Bahri, Jiang, Gupta, Deep k-NN for Noisy Labels, ICML 2020, arxiv.org/abs/2004.12289"
    )

    class Params(lnlbench.Params):
        """How many neighbors vote."""

        neighbors: Annotated[int, SearchRange(5, 200, log=True)] = Field(
            50, ge=1, le=1000, description="Training samples that vote."
        )

    recipes = {  # noqa: RUF012 - declared as a ClassVar by the base class
        "matched": Recipe(schedule={"epochs": 1}, note="Nothing is trained: there are no epochs."),
    }

    def fit(self, run: Run) -> None:
        """Keep the training set, and ask each sample's neighbors about its label."""
        count = self.params.neighbors
        self.network = NeighborVote(unit_features(run), run.labels, run.num_classes, count)
        shares = neighborhood_shares(run, count, passes=1)
        self.clean_probabilities = shares.gather(1, run.labels.unsqueeze(1)).squeeze(1)
        for _ in run.epochs():
            pass

    def clean_probability(self) -> Tensor:
        """The share of a sample's neighbors that carry its label."""
        return self.clean_probabilities.clamp(0, 1)
