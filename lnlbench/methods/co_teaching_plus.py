"""Co-teaching+ (Yu et al., ICML 2019): Co-teaching on the samples the networks disagree on.

Reference: github.com/xingruiyu/coteaching_plus at 5a935d1, main.py and loss.py. Details and
deviations: docs/methods/co-teaching-plus.md.
"""

from typing import ClassVar

from pydantic import Field
from torch.nn.functional import cross_entropy

from lnlbench.interface.batch import Batch
from lnlbench.interface.run import Run
from lnlbench.methods.co_teaching import CoTeaching
from lnlbench.pieces.small_loss import small_loss_selection


class CoTeachingPlus(CoTeaching):
    """Co-teaching that updates only on samples whose predicted class differs between networks."""

    name = "co-teaching-plus"
    reference = "Yu et al., Co-teaching+, ICML 2019, arxiv.org/abs/1901.04215"
    quick_params: ClassVar = {"warmup_epochs": 1}

    class Params(CoTeaching.Params):
        """Defaults are the authors' values for CIFAR-100."""

        warmup_epochs: int = Field(
            5, ge=0, description="Epochs of plain Co-teaching before disagreement decides."
        )
        agreement_steps: int = Field(
            5000,
            ge=0,
            description="A batch without any disagreement is learned from whole while epoch x "
            "batch number is below this, and skipped afterwards.",
        )

    def _update(self, run: Run, batch: Batch, number: int, forget_rate: float) -> None:
        logits, peer_logits = (network(batch.views[0]) for network in (self.network, self.peer))
        losses, peer_losses = (
            cross_entropy(each, batch.labels, reduction="none") for each in (logits, peer_logits)
        )
        # Disagreement says where there is something to learn, a small loss which labels to trust.
        self._remember(
            batch.index,
            small_loss_selection(losses, forget_rate),
            small_loss_selection(peer_losses, forget_rate),
        )
        if run.epoch < self.params.warmup_epochs:
            self._exchange(run, losses, peer_losses, forget_rate)
            return
        disagreed = (logits.argmax(1) != peer_logits.argmax(1)).nonzero().squeeze(1)
        run.log(disagreement=len(disagreed) / len(losses))
        if len(disagreed):
            self._exchange(run, losses[disagreed], peer_losses[disagreed], forget_rate)
        elif (run.epoch + 1) * number < self.params.agreement_steps:
            run.step(losses.mean(), self.optimizers[0])
            run.step(peer_losses.mean(), self.optimizers[1])
