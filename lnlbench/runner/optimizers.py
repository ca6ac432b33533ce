"""Optimizers by the protocol, in their fused form."""

import torch
from torch import nn

from lnlbench.tracks import OptimizerSpec


def build_optimizer(network: nn.Module, spec: OptimizerSpec) -> torch.optim.Optimizer:
    """The protocol's optimizer for one network."""
    if spec.name == "adam":
        return torch.optim.Adam(
            network.parameters(),
            lr=spec.lr,
            betas=(spec.momentum, 0.999),
            weight_decay=spec.weight_decay,
            fused=True,
        )
    return torch.optim.SGD(
        network.parameters(),
        lr=spec.lr,
        momentum=spec.momentum,
        weight_decay=spec.weight_decay,
        fused=True,
    )
