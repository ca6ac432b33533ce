"""Build a model's networks as its card describes them, after a check that the tensors fit."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from lnlbench.errors import DataError, shown
from lnlbench.model.card import Card, FeatureInput
from lnlbench.networks import build_backbone
from lnlbench.networks.heads import build_head
from lnlbench.networks.pretrained import PretrainedNetwork, pretrained_body
from lnlbench.networks.timm_backbone import PREFIX, check_timm

Tensors = Mapping[str, Tensor]


def build_network(card: Card, tensors: Tensors) -> nn.Module:
    """One network with these tensors, which were its state dict.

    Raises:
        UsageError: the installed lnlbench or timm does not have the network.
        DataError: the tensors are those of another network.
    """
    return _filled(lambda: _body(card), tensors, f"the network {card.architecture.name!r}")


def check_body(network: str, tensors: Tensors) -> None:
    """Make sure that tensors are those of the body of `timm:NAME`.

    Raises:
        UsageError: the installed timm does not have the network.
        DataError: the tensors are those of another network.
    """
    check_timm(network.removeprefix(PREFIX))
    _check(lambda: pretrained_body(network, {}), tensors, f"the frozen network {network!r}")


def _body(card: Card) -> nn.Module:
    architecture, classes = card.architecture, len(card.classes)
    name, inputs = architecture.name, architecture.inputs
    if architecture.kind == "head":
        return build_head(name, inputs, classes, dropout=0.0)
    if architecture.kind == "regression":
        return nn.Sequential(nn.Flatten(), nn.Linear(inputs, classes))
    if architecture.kind == "fine-tuned":
        check_timm(name.removeprefix(PREFIX))
        return PretrainedNetwork(name, {}, classes)
    size = 1 if isinstance(card.input, FeatureInput) else card.input.size
    return build_backbone(name, classes, inputs, size)


def regression_inputs(network: nn.Module) -> int | None:
    """The inputs of a logistic regression on flattened samples; None for other networks."""
    layers = list(network) if type(network) is nn.Sequential else []
    if len(layers) == 2 and type(layers[0]) is nn.Flatten and isinstance(layers[1], nn.Linear):
        return layers[1].in_features
    return None


def _filled(build: Callable[[], nn.Module], tensors: Tensors, what: str) -> nn.Module:
    _check(build, tensors, what)
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay as they are
        network = build()
    network.load_state_dict(dict(tensors))
    return network


def _check(build: Callable[[], Any], tensors: Tensors, what: str) -> None:
    # The meta device takes no memory: sizes that a changed card claims are compared first.
    with torch.device("meta"):
        wanted = build().state_dict()
    given = {name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()}
    needed = {name: (tensor.shape, tensor.dtype) for name, tensor in wanted.items()}
    if given == needed:
        return
    names = needed.keys() | given.keys()
    odd = [name for name in sorted(names) if given.get(name) != needed.get(name)]
    raise DataError(
        f"The weights are not those of {what}: {len(odd)} of its {len(needed)} tensors differ in "
        f"name, shape or type, first {shown(odd[0])}."
    )
