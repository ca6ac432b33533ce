"""A linear layer made by oneDNN beside torch's own: values, derivatives, transforms, fallbacks."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, hessian, jvp, vmap
from torch.nn.functional import cross_entropy

from lnlbench.networks.onednn_linear import OneDnnLinear

onednn = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(), reason="this torch has no oneDNN"
)


def pair(features: int = 33, classes: int = 7) -> tuple[OneDnnLinear, nn.Linear]:
    """The same layer by oneDNN and by torch's default."""
    torch.manual_seed(0)
    layer, plain = OneDnnLinear(features, classes), nn.Linear(features, classes)
    plain.load_state_dict(layer.state_dict())
    return layer, plain


def names_of(result: Tensor) -> str:
    """The name of the operation that made a tensor."""
    return type(result.grad_fn).__name__


@onednn
def test_onednn_makes_float32_products_on_a_cpu():
    layer, plain = pair()
    features = torch.randn(5, 33)
    assert names_of(layer(features)) != names_of(plain(features))


@pytest.mark.parametrize("count", [0, 1, 2, 128])
def test_values_and_gradients_are_those_of_a_linear_layer(count):
    results = []
    for layer in pair():
        features = torch.linspace(-1, 1, count * 33).view(count, 33).requires_grad_()
        logits = layer(features)
        logits.square().sum().backward()
        results.append((logits, features.grad, layer.weight.grad, layer.bias.grad))
    torch.testing.assert_close(*results)


@pytest.mark.parametrize(
    "features",
    [
        torch.linspace(-1, 1, 8 * 33).view(8, 33)[::2],
        torch.linspace(-1, 1, 4 * 40).view(4, 40)[:, 3:36],
        torch.linspace(-1, 1, 33 * 4).view(33, 4).t(),
    ],
    ids=["every second row", "some columns", "transposed"],
)
def test_features_need_not_lie_in_one_block(features: Tensor):
    layer, plain = pair()
    torch.testing.assert_close(layer(features), plain(features))


def test_gradients_can_be_differentiated_again():
    results = []
    for layer in pair():
        features = torch.linspace(-1, 1, 4 * 33).view(4, 33).requires_grad_()
        loss = layer(features).exp().sum()
        first = torch.autograd.grad(loss, (features, layer.weight), create_graph=True)
        penalty = sum(part.square().sum() for part in first)
        results.append(torch.autograd.grad(penalty, (features, layer.weight, layer.bias)))
    torch.testing.assert_close(*results)


@pytest.mark.parametrize("transform", ["vmap", "jvp", "hessian", "gradients of each sample"])
def test_transforms_of_torch_pass_through(transform):
    results = []
    for layer in pair(6, 3):
        features = torch.linspace(-1, 1, 30).view(5, 6)
        weights = dict(layer.named_parameters())

        def loss(weights, sample, layer=layer):
            logits = functional_call(layer, weights, (sample.unsqueeze(0),))
            return cross_entropy(logits, torch.ones(1, dtype=torch.int64))

        if transform == "vmap":
            results.append(vmap(layer)(features.unsqueeze(1)))
        elif transform == "jvp":
            direction = ({name: 2 * weight for name, weight in weights.items()}, features[1])
            results.append(jvp(loss, (weights, features[0]), direction))
        elif transform == "hessian":
            results.append(hessian(loss, argnums=1)(weights, features[0]))
        else:
            results.append(vmap(torch.func.grad(loss), (None, 0))(weights, features))
    torch.testing.assert_close(*results)


def test_a_compiler_of_torch_passes_through():
    layer, plain = pair()
    features = torch.randn(4, 33)
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(features), plain(features))


def test_weights_that_an_optimizer_changes_in_place_are_seen():
    layer, plain = pair()
    features, labels = torch.randn(16, 33), torch.randint(7, (16,))
    for each in (layer, plain):
        optimizer = torch.optim.SGD(each.parameters(), lr=0.5, fused=True)
        for _ in range(3):
            optimizer.zero_grad()
            cross_entropy(each(features), labels).backward()
            optimizer.step()
    with torch.no_grad():
        layer.weight[0].zero_()
        plain.weight[0].zero_()
        torch.testing.assert_close(layer(features), plain(features), rtol=1e-4, atol=1e-5)
    with torch.inference_mode():
        torch.testing.assert_close(layer(features), plain(features), rtol=1e-4, atol=1e-5)


def test_equal_layers_give_equal_bits():
    layer, _ = pair(1280, 512)
    features, results = torch.randn(64, 1280), []
    for each in (layer, copy.deepcopy(layer)):
        logits = each(features)
        logits.square().mean().backward()
        results.append((logits, each.weight.grad))
    torch.testing.assert_close(*results, rtol=0, atol=0)


@pytest.mark.parametrize("setting", ["no oneDNN", "bf16", "float64", "more axes", "no data"])
def test_everything_else_is_left_to_torch(setting):
    layer, plain = pair()
    features = torch.randn(4, 33, requires_grad=True)
    if setting == "float64":
        layer, plain, features = layer.double(), plain.double(), features.double()
    elif setting == "more axes":
        features = features.view(2, 2, 33)
    elif setting == "no data":
        layer, plain, features = layer.to("meta"), plain.to("meta"), features.to("meta")
    with (
        torch.backends.mkldnn.flags(enabled=setting != "no oneDNN"),
        torch.autocast("cpu", torch.bfloat16, enabled=setting == "bf16"),
    ):
        logits, expected = layer(features), plain(features)
    assert names_of(logits) == names_of(expected)
    if setting != "no data":
        assert torch.equal(logits, expected)
