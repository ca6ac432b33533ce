"""Shared by peer loss and f-divergences: compare samples with random pairs of image and label."""

from typing import ClassVar

import torch
from torch import Tensor

import lnlbench
from lnlbench.pieces.label_losses import label_probability
from lnlbench.pieces.warmup import warmup_length


def stable_cross_entropy(logits: Tensor, labels: Tensor, stability: float) -> Tensor:
    """Mean of -log(p + stability), which is at most -log(stability), even for hopeless samples.

    So a loss that subtracts this mean has a lower bound.
    """
    return -(label_probability(logits, labels) + stability).log().mean()


class ContrastiveMethod(lnlbench.Method):
    """Cross-entropy for a warm-up, then each batch against a peer batch.

    A peer batch draws its images and its labels independently, so it shows how the network scores
    an image with an unrelated label. Subclasses define `contrast`, and a parameter `warmup_epochs`.
    """

    quick_params: ClassVar = {"warmup_epochs": 1}
    warmup_share: ClassVar[float]

    def contrast(
        self, logits: Tensor, labels: Tensor, peer_logits: Tensor, peer_labels: Tensor
    ) -> Tensor:
        """The scalar to minimize for logits [B, C] of a batch and of its peers."""
        raise NotImplementedError(f"{type(self).__name__} does not define contrast")

    def begin_contrast(self, optimizer: torch.optim.Optimizer) -> None:
        """Act at the start of every epoch after the warm-up."""

    def fit(self, run: lnlbench.Run) -> None:
        """Train one network; each step after the warm-up passes two batches."""
        self.network = run.network()
        self.optimizer = run.optimizer(self.network)
        warmup = warmup_length(self.params.warmup_epochs, self.warmup_share, run.max_epochs)
        for epoch in run.epochs():
            if epoch < warmup:
                for batch in run.batches(views=1):
                    logits = self.network(batch.views[0])
                    loss = stable_cross_entropy(logits, batch.labels, self.params.stability)
                    run.step(loss, self.optimizer)
                continue
            self.begin_contrast(self.optimizer)
            # Two orders of the same samples: batches of equal sizes, independent of each other.
            for batch, peers in zip(run.batches(views=1), run.batches(views=1), strict=True):
                drawn = torch.randint(
                    run.num_samples, (len(peers.index),), generator=run.generator
                ).to(run.device)
                loss = self.contrast(
                    self.network(batch.views[0]),
                    batch.labels,
                    self.network(peers.views[0]),
                    run.labels[drawn],
                )
                run.step(loss, self.optimizer)
