"""Heads that are trained on the features of a frozen backbone."""

from torch import nn

from lnlbench.errors import unknown_name

HIDDEN = 512
HEADS = ("linear", "mlp")


def build_head(name: str, features: int, num_classes: int, dropout: float) -> nn.Module:
    """A head from features [B, D] to logits [B, C]: one linear layer, or 512 hidden units.

    Raises:
        UsageError: no such head.
    """
    if name not in HEADS:
        raise unknown_name("head", name, HEADS)
    if name == "linear":
        return nn.Sequential(nn.Dropout(dropout), nn.Linear(features, num_classes))
    return nn.Sequential(
        nn.Dropout(dropout),
        nn.Linear(features, HIDDEN),
        nn.ReLU(),
        nn.Linear(HIDDEN, num_classes),
    )
