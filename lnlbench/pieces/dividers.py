"""Divide a method's data by its own losses, by the neighborhood of each sample, or by both.

Source: lnlbench's own, on top of `lnlbench.pieces.neighbors`; measured in docs/guide/embeddings.md.
"""

from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor

from lnlbench.document import LeftOut
from lnlbench.interface.params import Params
from lnlbench.interface.run import Run
from lnlbench.pieces.neighbors import divide_by_neighbors

_WITH_NEIGHBORS = LeftOut(unless=("divider", ("embedding", "both")))


class DividerParams(Params):
    """Which belief divides the data; the default is the losses alone."""

    divider: Annotated[Literal["loss", "embedding", "both"], LeftOut()] = Field(
        "loss",
        description="The data are divided by each network's losses, as the authors do, by the "
        "neighborhood of each sample (embedding), or by the mean of both beliefs.",
    )
    neighborhood_divisions: Annotated[Literal["every", "first"], _WITH_NEIGHBORS] = Field(
        "every",
        description="The neighborhood counts in every division, or in the first one alone.",
    )
    neighbors: Annotated[int, _WITH_NEIGHBORS] = Field(
        20, ge=1, le=1000, description="Neighbors that vote on a sample; losses need none."
    )

    def needs_losses(self, first: bool) -> bool:
        """Whether losses count in a division, which is the `first` one or a later one."""
        return self.divider != "embedding" or not self._needs_neighborhood(first)

    def _needs_neighborhood(self, first: bool) -> bool:
        return self.divider != "loss" and (first or self.neighborhood_divisions == "every")


def neighborhood_belief(run: Run, params: DividerParams) -> Tensor | None:
    """Clean probability float32 [N] by the neighbors' vote; None if losses alone divide."""
    if params.divider == "loss":
        return None
    return divide_by_neighbors(run, params.neighbors, passes=1)


def blend_neighborhood(
    beliefs: Tensor, neighborhood: Tensor | None, params: DividerParams, first: bool
) -> None:
    """Replace `beliefs` [..., N] by the neighborhood's, or by the mean of both, where it counts.

    The change is made in place. `first` says whether this is the first division.
    """
    if neighborhood is None or not params._needs_neighborhood(first):
        return
    if params.divider == "both":
        beliefs.lerp_(neighborhood, 0.5)
    else:
        beliefs.copy_(neighborhood.expand_as(beliefs))
