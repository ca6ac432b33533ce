"""Cut a network of timm in front of a layer: one part stays frozen, and the rest is trained."""

from inspect import signature
from typing import Any

import torch
from torch import fx, nn

from lnlbench.errors import UsageError
from lnlbench.networks.timm_names import PREFIX, require_layer


def cut_layers(backbone: str, layer: str) -> list[str]:
    """The layers in front of which `timm:NAME` can be cut; loads no weights.

    `layer` is only quoted in the error.

    Raises:
        UsageError: the network cannot be cut; the message says that `layer` was asked for.
    """
    import timm

    name = backbone.removeprefix(PREFIX)
    with torch.device("meta"):
        body = timm.create_model(name, pretrained=False, num_classes=0)
    return list(_cuts(name, body, layer)[1])


def cut(name: str, body: nn.Module, layer: str) -> tuple[fx.GraphModule, fx.GraphModule]:
    """The part of timm's network `name` in front of `layer`, and the rest, which begins with it.

    `body` is that network without a classifier. `rest(front(images))` equals `body(images)`. The
    parts use the body's own layers under their own names.

    Raises:
        UsageError: there is no such layer, or the network cannot be cut.
    """
    graph, cuts = _cuts(name, body, layer)
    require_layer(f"{PREFIX}{name}", layer, list(cuts))
    value = cuts[layer]
    nodes = list(graph.nodes)
    last = nodes.index(value)
    front = fx.Graph()
    copies: dict[fx.Node, fx.Node] = {}
    for node in nodes[: last + 1]:
        copies[node] = front.node_copy(node, copies.__getitem__)
    front.output(copies[value])
    rest = fx.Graph()
    later = nodes[last + 1 :]
    needed = {given for node in later for given in node.all_input_nodes} - {value}
    # Tensors of the body itself may be read by either part.
    read = [node for node in nodes[:last] if node in needed]
    copies = {value: rest.placeholder("features")}
    for node in [*read, *later]:
        copies[node] = rest.node_copy(node, copies.__getitem__)
    return fx.GraphModule(body, front), fx.GraphModule(body, rest)


class _Tracer(fx.Tracer):
    """Traces no deeper than containers of layers, and notes which value each layer is given."""

    def __init__(self) -> None:
        super().__init__()
        self.given: dict[str, list[fx.Node | None]] = {}

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Leave the code of layers alone: it may depend on the mode, and on the data."""
        return type(m).forward is not nn.Sequential.forward

    def call_module(self, m: nn.Module, forward: Any, args: Any, kwargs: Any) -> Any:
        """Note the first argument, if the network has computed it."""
        value = args[0].node if args and isinstance(args[0], fx.Proxy) else None
        self.given.setdefault(self.path_of_module(m), []).append(value)
        return super().call_module(m, forward, args, kwargs)


def _cuts(name: str, body: nn.Module, layer: str) -> tuple[fx.Graph, dict[str, fx.Node]]:
    """The traced body, and by layer the value in it that the layer is given."""
    tracer = _Tracer()
    try:
        graph = tracer.trace(body, concrete_args=_defaults(body))
    except Exception as error:  # whatever the network's own code raises when it is given no images
        raise UsageError(
            f"--frozen-until {layer}: timm:{name} cannot be cut, because its code depends on its "
            f"input ({type(error).__name__}). Choose another --backbone, such as timm:resnet18."
        ) from error
    return graph, {
        path: given[0]
        for path, given in tracer.given.items()
        if len(given) == 1 and given[0] is not None and _separates(graph, given[0], body)
    }


def _defaults(body: nn.Module) -> dict[str, Any]:
    """The optional arguments of a network, which it is called without."""
    parameters = signature(body.forward).parameters.values()
    return {each.name: each.default for each in parameters if each.default is not each.empty}


def _separates(graph: fx.Graph, cut: fx.Node, body: nn.Module) -> bool:
    """Whether `cut` is all that later layers need of earlier ones, and both sides have weights."""
    nodes = list(graph.nodes)
    last = nodes.index(cut)
    later = nodes[last + 1 :]
    own = {cut, *later, *(node for node in nodes if node.op == "get_attr")}
    needed = {given for node in later for given in node.all_input_nodes}
    return needed <= own and all(_weights(part, body) for part in (nodes[: last + 1], later))


def _weights(nodes: list[fx.Node], body: nn.Module) -> bool:
    layers = (body.get_submodule(str(node.target)) for node in nodes if node.op == "call_module")
    return any(True for layer in layers for _ in layer.parameters())
