"""Train-mode passes over several views: one by one, or all in one where that changes nothing."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lnlbench.networks.heads import FeatureDropout
from lnlbench.networks.precision import PreciseNetwork

_ROW_BY_ROW = (PreciseNetwork, nn.Sequential, nn.Linear, nn.ReLU, FeatureDropout)


def sees_samples_alone(network: nn.Module) -> bool:
    """Whether in train mode each sample's logits come from that sample alone.

    So it is with heads on frozen features. Any other layer counts as one that may see the whole
    batch, as batch normalization does.
    """
    return all(type(module) in _ROW_BY_ROW for module in network.modules())


def view_logits(
    network: nn.Module, views: Sequence[Tensor], together: bool = False
) -> Sequence[Tensor]:
    """Logits [B, C] of each view [B, ...]; batch statistics are of one view, unless `together`.

    A network that sees samples alone has none: it makes one pass, which costs less than many.
    """
    if together or sees_samples_alone(network):
        return network(torch.cat(list(views))).split([len(view) for view in views])
    return [network(view) for view in views]
