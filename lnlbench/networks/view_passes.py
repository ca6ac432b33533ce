"""Train-mode passes over several views: one by one, or all at once if that changes no logits."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lnlbench.networks.heads import FeatureDropout
from lnlbench.networks.onednn_linear import OneDnnLinear
from lnlbench.networks.precision import PreciseNetwork

_ROW_BY_ROW = (PreciseNetwork, nn.Sequential, OneDnnLinear, nn.ReLU, FeatureDropout)


def sees_samples_alone(network: nn.Module) -> bool:
    """Whether each sample's logits in train mode depend on that sample alone.

    This is true for heads on frozen features. Any other layer is taken to see the whole batch, as
    batch normalization does.
    """
    return all(type(module) in _ROW_BY_ROW for module in network.modules())


def view_logits(
    network: nn.Module, views: Sequence[Tensor], together: bool = False
) -> Sequence[Tensor]:
    """Logits [B, C] of each view [B, ...]; batch statistics are per view unless `together`.

    A network that treats each sample alone has no batch statistics, so it makes one cheaper pass.
    """
    if together or sees_samples_alone(network):
        return network(torch.cat(list(views))).split([len(view) for view in views])
    return [network(view) for view in views]
