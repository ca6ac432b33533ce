"""SimiFeat (Zhu, Dong, Liu, ICML 2022): train on the samples whose neighbors agree with the label.

Worked from the paper. Details and deviations: docs/methods/embedding-filter.md.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy

import lnlbench
from lnlbench.interface.method import Method
from lnlbench.interface.params import SearchRange
from lnlbench.interface.run import Run
from lnlbench.pieces.neighbors import divide_by_neighbors
from lnlbench.pieces.selection import record_selection


class EmbeddingFilter(Method):
    """Cross-entropy on the samples whose neighbors agree with their label."""

    name = "embedding-filter"
    reference = (
        "Zhu, Dong, Liu, Detecting Corrupted Labels Without Training a Model to Predict, "
        "ICML 2022, arxiv.org/abs/2110.06283"
    )

    class Params(lnlbench.Params):
        """How neighbors vote, and which samples the method keeps."""

        neighbors: Annotated[int, SearchRange(5, 200, log=True)] = Field(
            20, ge=1, le=1000, description="Neighbors that vote on a sample."
        )
        passes: int = Field(
            1,
            ge=1,
            le=100,
            description="1 compares the unaugmented samples; a larger number compares that many "
            "weak views of each sample and averages the votes.",
        )
        clean_threshold: Annotated[float, SearchRange(0.2, 0.8)] = Field(
            0.5,
            ge=0,
            lt=1,
            description="Samples whose clean probability is above this are selected.",
        )

    def fit(self, run: Run) -> None:
        """Divide once, then train one network on the selected samples."""
        self.clean_probabilities = divide_by_neighbors(
            run, self.params.neighbors, self.params.passes
        )
        selected = self.clean_probabilities > self.params.clean_threshold
        if not selected.any():
            selected = torch.ones_like(selected)
        self.network = run.network()
        self.optimizer = run.optimizer(self.network)
        for epoch in run.epochs():
            if epoch == 0:
                record_selection(run, selected, "selected")
            for batch in run.batches(selected, views=1):
                run.step(cross_entropy(self.network(batch.views[0]), batch.labels), self.optimizer)

    def clean_probability(self) -> Tensor:
        """The belief that decides the selection; it never changes."""
        return self.clean_probabilities

    def clean_threshold(self) -> float:
        """The parameter of the same name."""
        return float(self.params.clean_threshold)
