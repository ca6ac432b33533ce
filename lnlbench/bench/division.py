"""DivideMix with a given labeled share, because random labels cannot be divided."""

import torch
from torch import Tensor, nn

from lnlbench.interface.method import Method
from lnlbench.interface.run import Run
from lnlbench.methods.dividemix import DivideMix


def with_labeled_share(method: type[Method], share: float | None) -> type[Method]:
    """The method; DivideMix made to label the most credible `share` of the samples."""
    if share is None or not issubclass(method, DivideMix):
        return method

    unlabeled_share = 1 - share

    class Divided(method):  # type: ignore[valid-type, misc]
        """Divides as DivideMix does, then takes the samples with the highest belief."""

        def _train(
            self,
            run: Run,
            network: nn.Module,
            peer: nn.Module,
            optimizer: torch.optim.Optimizer,
            belief: Tensor,
            since_warmup: int,
        ) -> None:
            # Ranks between 0 and 1, moved so that the threshold cuts off the share.
            ranks = belief.argsort().argsort() / run.num_samples
            threshold = self.clean_threshold()
            moved = torch.where(ranks >= unlabeled_share, threshold + 0.25, threshold - 0.25)
            super()._train(run, network, peer, optimizer, moved, since_warmup)

    return Divided
