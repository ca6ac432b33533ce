"""Co-teaching (Han et al., NeurIPS 2018): each network picks the samples its peer learns from.

Reference: github.com/bhanML/Co-teaching at 7c7fbe2, main.py and loss.py. Details and deviations:
docs/methods/co-teaching.md.
"""

from typing import Annotated, Literal

import torch
from pydantic import AfterValidator, Field
from torch import Tensor
from torch.nn.functional import cross_entropy

from lnlbench.interface.batch import Batch
from lnlbench.interface.method import Method
from lnlbench.interface.param_checks import share_or_word
from lnlbench.interface.params import Recipe, SearchRange
from lnlbench.interface.run import Run
from lnlbench.pieces.small_loss import (
    ScheduleParams,
    enter_late_phase,
    estimate_noise_rate,
    forget_rate_at,
    small_loss_selection,
)

NATIVE = Recipe(
    params={"late_from": 0.5},
    schedule={
        "augment": "none",
        "epochs": 200,
        "batch_size": 128,
        "optimizer": {"name": "adam", "lr": 1e-3, "momentum": 0.9, "weight_decay": 0.0},
        "milestones": [],
    },
    note="The authors' CIFAR-100 schedule; the network stays the track's.",
)


class CoTeaching(Method):
    """Two networks; each is updated on the samples of smallest loss in the other."""

    name = "co-teaching"
    reference = "Han et al., Co-teaching, NeurIPS 2018, arxiv.org/abs/1804.06872"
    networks = 2
    recipes = {"native": NATIVE}  # noqa: RUF012 - declared as a ClassVar by the base class

    class Params(ScheduleParams):
        """Defaults are the authors' values, but for the noise rate, which they are given."""

        forget_rate: Annotated[
            float | Literal["estimate"], SearchRange(0.05, 0.6), AfterValidator(share_or_word)
        ] = Field(
            "estimate",
            description="Share of each batch that is forgotten after ramp-up, in [0, 1); or "
            '"estimate": the noise rate that a mixture fitted to the losses finds during ramp-up.',
        )

    def fit(self, run: Run) -> None:
        """Train both networks side by side, forgetting more of each batch until ramp-up ends."""
        self.network, self.peer = run.network(), run.network()
        self.optimizers = self._optimizers(run)
        # Row 0: what the network kept of its latest batches; row 1: what the peer kept.
        self.kept = torch.ones(2, run.num_samples, device=run.device)
        self.final_rate = 0.0
        for epoch in run.epochs():
            self.final_rate = self._final_rate(run, epoch)
            forget_rate = forget_rate_at(
                epoch, self.final_rate, self.params.ramp_up, self.params.exponent
            )
            run.log(forget_rate=forget_rate)
            for optimizer in self.optimizers:
                enter_late_phase(optimizer, epoch, run.max_epochs, self.params)
            for number, batch in enumerate(run.batches(views=1)):
                self._update(run, batch, number, forget_rate)

    def clean_probability(self) -> Tensor | None:
        """The share of the two networks that kept each sample when they last saw it."""
        return self.kept.mean(0)

    def _optimizers(self, run: Run) -> list[torch.optim.Optimizer]:
        return [run.optimizer(self.network), run.optimizer(self.peer)]

    def _final_rate(self, run: Run, epoch: int) -> float:
        """The forget rate after ramp-up: given, or estimated until ramp-up ends."""
        given: float | str = self.params.forget_rate
        if not isinstance(given, str):
            return given
        # Later the networks have seen too little of what they forget for losses to be fair.
        untrained, settled = epoch == 0, epoch > max(1, self.params.ramp_up)
        if untrained or settled:
            return self.final_rate
        return estimate_noise_rate(run, [self.network, self.peer])

    def _update(self, run: Run, batch: Batch, number: int, forget_rate: float) -> None:
        """One step of both networks on a batch, the `number`-th of its epoch."""
        losses, peer_losses = (
            cross_entropy(network(batch.views[0]), batch.labels, reduction="none")
            for network in (self.network, self.peer)
        )
        kept, peers = self._exchange(run, losses, peer_losses, forget_rate)
        self._remember(batch.index, kept, peers)

    def _exchange(
        self, run: Run, losses: Tensor, peer_losses: Tensor, forget_rate: float
    ) -> tuple[Tensor, Tensor]:
        """Update each network on the small losses of the other; returns what each has kept."""
        kept = small_loss_selection(losses, forget_rate)
        peers = small_loss_selection(peer_losses, forget_rate)
        # Not losses[peers]: on a GPU the gradient of that begins with a sort.
        run.step(losses.index_select(0, peers).mean(), self.optimizers[0])
        run.step(peer_losses.index_select(0, kept).mean(), self.optimizers[1])
        return kept, peers

    def _remember(self, index: Tensor, kept: Tensor, peers: Tensor) -> None:
        self.kept[:, index] = 0
        self.kept[0, index[kept]] = 1
        self.kept[1, index[peers]] = 1


class CoTeachingOracle(CoTeaching):
    """Co-teaching that is told the noise rate, as in the paper; shown, never ranked."""

    name = "co-teaching-oracle"
    oracle = frozenset({"noise_rate"})

    class Params(ScheduleParams):
        """The authors' values; the forget rate is the true noise rate."""

    def _final_rate(self, run: Run, epoch: int) -> float:
        return run.noise_rate
