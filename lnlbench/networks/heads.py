"""Heads that are trained on the features of a frozen backbone."""

import torch
from torch import Tensor, nn

from lnlbench.errors import unknown_name
from lnlbench.networks.onednn_linear import OneDnnLinear

HIDDEN = 512
HEADS = ("linear", "mlp")


class FeatureDropout(nn.Module):
    """Dropout whose mask is one random byte for each entry, so its share is a multiple of 1/256.

    `nn.Dropout` draws a float for each entry, which on a CPU costs as much as a linear head.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.dropped_bytes = round(256 * share)

    def forward(self, features: Tensor) -> Tensor:
        """Features [B, D] with some entries 0 and the others scaled up; unchanged in eval mode."""
        if not self.training or not self.dropped_bytes:
            return features
        count = features.numel()
        words = torch.empty(-(-count // 8), dtype=torch.int64, device=features.device)
        words.random_(-(2**63), None)  # give the whole range, or the top bit is never set
        draws = words.view(torch.uint8)[:count].view(features.shape)
        kept = torch.empty(features.shape, dtype=features.dtype, device=features.device)
        # Compare straight into numbers: on a CPU, filling by a mask takes several times as long.
        torch.ge(draws, self.dropped_bytes, out=kept)
        scale, nothing = 256 / (256 - self.dropped_bytes), features.new_zeros(())
        return torch.addcmul(nothing, features, kept, value=scale)  # one pass over the features


def build_head(name: str, features: int, num_classes: int, dropout: float) -> nn.Module:
    """A head from features [B, D] to logits [B, C]: one linear layer, or 512 hidden units.

    Raises:
        UsageError: no such head.
    """
    if name not in HEADS:
        raise unknown_name("head", name, HEADS)
    if name == "linear":
        return nn.Sequential(FeatureDropout(dropout), OneDnnLinear(features, num_classes))
    return nn.Sequential(
        FeatureDropout(dropout),
        OneDnnLinear(features, HIDDEN),
        nn.ReLU(),
        OneDnnLinear(HIDDEN, num_classes),
    )
