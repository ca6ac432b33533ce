"""The protocol's optimizer, and the learning rates of its parameter groups."""

from typing import Any

import torch
from torch import nn

from lnlbench.errors import UsageError
from lnlbench.networks.pretrained import PretrainedNetwork
from lnlbench.tracks import Protocol


def build_optimizer(network: nn.Module, protocol: Protocol) -> torch.optim.Optimizer:
    """The protocol's optimizer for one network.

    Raises:
        UsageError: `network` is not a module.
    """
    if not isinstance(network, nn.Module):
        raise UsageError(
            f"run.optimizer takes a module, such as self.network; given a {type(network).__name__}."
            " For chosen parameters: run.follow_schedule(torch.optim.SGD(parameters, lr=0.1))."
        )
    spec = protocol.optimizer
    groups = parameter_groups(network, protocol)
    if spec.name == "adam":
        return torch.optim.Adam(
            groups,
            lr=spec.lr,
            betas=(spec.momentum, 0.999),
            weight_decay=spec.weight_decay,
            fused=True,
        )
    return torch.optim.SGD(
        groups,
        lr=spec.lr,
        momentum=spec.momentum,
        weight_decay=spec.weight_decay,
        nesterov=spec.nesterov,
        fused=True,
    )


def parameter_groups(network: nn.Module, protocol: Protocol) -> list[dict[str, Any]]:
    """Parameter groups: layers of pretrained bodies with their own rates, and all other layers."""
    spec = protocol.pretrained
    if spec is None:
        return [{"params": list(network.parameters())}]
    groups: list[dict[str, Any]] = []
    for part in network.modules():
        if not isinstance(part, PretrainedNetwork):
            continue
        rate = protocol.optimizer.lr * spec.body_lr_factor
        for parameters in part.layer_groups():
            groups.append({"params": parameters, "lr": rate})
            rate *= spec.layer_decay
    pretrained = {id(parameter) for group in groups for parameter in group["params"]}
    rest = [parameter for parameter in network.parameters() if id(parameter) not in pretrained]
    return [{"params": rest}, *groups] if rest else groups
