"""Build a model's networks as its card describes them, after a check that the tensors fit."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn

from lnlbench.errors import DataError, shown
from lnlbench.model.card import Card, FrozenBody, ImageInput
from lnlbench.networks.build import build_backbone
from lnlbench.networks.frozen import FrozenBackbone
from lnlbench.networks.heads import build_head
from lnlbench.networks.pretrained import PretrainedNetwork
from lnlbench.networks.timm_names import PREFIX, check_timm
from lnlbench.plugins.networks import provided_for

Tensors = Mapping[str, Tensor]


def build_network(card: Card, tensors: Tensors) -> nn.Module:
    """One network with these tensors, which were its state dict.

    Raises:
        UsageError: the installed lnlbench or timm does not have the network.
        DataError: the tensors are those of another network.
    """
    return _filled(lambda: _body(card), tensors, f"the network {card.architecture.name!r}")


def build_frozen(body: FrozenBody, tensors: Tensors, device: torch.device) -> FrozenBackbone:
    """The frozen network with these tensors, which were its state dict.

    Raises:
        UsageError: the installed timm does not have the network or the layer.
        DataError: the tensors are those of another network.
    """
    check_timm(body.network.removeprefix(PREFIX))
    preprocessing, precision = body.resizing.preprocessing(), body.precision

    def build(place: torch.device) -> FrozenBackbone:
        return FrozenBackbone(body.network, {}, preprocessing, precision, place, body.until)

    what = f"the frozen network {body.network!r}"
    _check(lambda: build(torch.device("meta")).network, tensors, what)
    with _own_numbers():
        backbone = build(device)
    backbone.network.load_state_dict(dict(tensors))
    return backbone


def _body(card: Card) -> nn.Module:
    architecture, classes = card.architecture, len(card.classes)
    name, inputs = architecture.name, architecture.inputs
    frozen = card.input.frozen if isinstance(card.input, ImageInput) else None
    if architecture.kind == "head":
        return build_head(name, inputs, classes, dropout=0.0)
    if architecture.kind == "regression":
        return nn.Sequential(nn.Flatten(), nn.Linear(inputs, classes))
    if architecture.kind == "fine-tuned":
        check_timm(name.removeprefix(PREFIX))
        return PretrainedNetwork(name, {}, classes, None if frozen is None else frozen.until)
    assert isinstance(card.input, ImageInput)
    return build_backbone(name, classes, inputs, card.input.size, provided_for(name))


def regression_inputs(network: nn.Module) -> int | None:
    """The inputs of a logistic regression on flattened samples; None for other networks."""
    layers = list(network) if type(network) is nn.Sequential else []
    if len(layers) == 2 and type(layers[0]) is nn.Flatten and isinstance(layers[1], nn.Linear):
        return layers[1].in_features
    return None


def _filled(build: Callable[[], nn.Module], tensors: Tensors, what: str) -> nn.Module:
    _check(build, tensors, what)
    with _own_numbers():
        network = build()
    network.load_state_dict(dict(tensors))
    return network


def _own_numbers() -> AbstractContextManager[None]:
    # Building draws random weights: the caller's random numbers stay as they are.
    return torch.random.fork_rng(devices=[])


def _check(build: Callable[[], nn.Module], tensors: Tensors, what: str) -> None:
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
