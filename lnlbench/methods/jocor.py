"""JoCoR (Wei et al., CVPR 2020): one joint loss selects and trains two networks.

Reference: github.com/hongxin001/JoCoR at 86db359, algorithm/jocor.py and loss.py. Details and
deviations: docs/methods/jocor.md.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, kl_div, log_softmax

from lnlbench.interface.batch import Batch
from lnlbench.interface.params import SearchRange
from lnlbench.interface.run import Run
from lnlbench.methods.co_teaching import CoTeaching
from lnlbench.pieces.small_loss import small_loss_selection


def joint_losses(logits: Tensor, peer_logits: Tensor, labels: Tensor, agreement: float) -> Tensor:
    """(1 - agreement) * (CE + peer's CE) + agreement * (KL both ways), per sample [B] (eq. 1)."""
    own, peers = log_softmax(logits, 1), log_softmax(peer_logits, 1)
    supervised = cross_entropy(logits, labels, reduction="none") + cross_entropy(
        peer_logits, labels, reduction="none"
    )
    distance = kl_div(own, peers, reduction="none", log_target=True) + kl_div(
        peers, own, reduction="none", log_target=True
    )
    return (1 - agreement) * supervised + agreement * distance.sum(1)


class JoCoR(CoTeaching):
    """Two networks trained jointly to fit the labels and each other, on samples of small loss."""

    name = "jocor"
    reference = "Wei et al., JoCoR, CVPR 2020, arxiv.org/abs/2003.02752"

    class Params(CoTeaching.Params):
        """Defaults are the authors' values for CIFAR-100."""

        agreement: Annotated[float, SearchRange(0.05, 0.95)] = Field(
            0.85,
            ge=0,
            le=1,
            description="Weight of the divergence between the networks against cross-entropy; "
            "the authors' λ.",
        )

    def _optimizers(self, run: Run) -> list[torch.optim.Optimizer]:
        # One loss, one step: a single optimizer holds the parameters of both.
        return [run.optimizer(nn.ModuleList([self.network, self.peer]))]

    def _update(self, run: Run, batch: Batch, number: int, forget_rate: float) -> None:
        logits, peer_logits = (network(batch.views[0]) for network in (self.network, self.peer))
        losses = joint_losses(logits, peer_logits, batch.labels, self.params.agreement)
        kept = small_loss_selection(losses, forget_rate)
        run.step(losses.index_select(0, kept).mean(), self.optimizers[0])
        self._remember(batch.index, kept, kept)
