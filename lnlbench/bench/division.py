"""DivideMix with a fixed labeled share, because no mixture can divide random labels."""

import torch
from torch import Tensor, nn

from lnlbench.interface.method import Method
from lnlbench.interface.run import Run
from lnlbench.methods.dividemix import DivideMix


def with_labeled_share(method: type[Method], share: float | None) -> type[Method]:
    """The method; with a `share`, DivideMix labels that share: the most credible samples."""
    if share is None or not issubclass(method, DivideMix):
        return method

    unlabeled_share = 1 - share

    class Divided(method):  # type: ignore[valid-type, misc]
        """Divides as DivideMix does, and then labels the samples with the highest belief."""

        def _train(
            self,
            run: Run,
            network: nn.Module,
            peer: nn.Module,
            optimizer: torch.optim.Optimizer,
            belief: Tensor,
            since_warmup: int,
        ) -> None:
            # Ranks between 0 and 1, shifted so that exactly this share lies above the threshold.
            ranks = belief.argsort().argsort() / run.num_samples
            threshold = self.clean_threshold()
            moved = torch.where(ranks >= unlabeled_share, threshold + 0.25, threshold - 0.25)
            super()._train(run, network, peer, optimizer, moved, since_warmup)

    return Divided
