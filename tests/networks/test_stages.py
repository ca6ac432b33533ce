"""Which layers are the last of a network, and what renewing them changes."""

import pytest
import torch
from torch import nn

from lnlbench.networks.build import build_backbone
from lnlbench.networks.heads import build_head
from lnlbench.networks.precision import PreciseNetwork
from lnlbench.networks.pretrained import PretrainedNetwork
from lnlbench.networks.stages import stages

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "count", "blocks"),
    [("resnet34", 5, 3), ("resnet18", 5, 2), ("preact-resnet18", 5, 2), ("resnet-small", 4, 1)],
)
def test_a_stage_of_a_residual_network_is_its_blocks_of_one_width(name, count, blocks):
    parts = stages(build_backbone(name, 7, 3, 32))
    assert len(parts) == count
    assert len(parts[-1]) == blocks
    assert parts[-1][0].conv1.stride == (2, 2)


def test_other_networks_have_a_stage_for_each_child_with_its_normalization():
    assert [len(part) for part in stages(build_backbone("small-cnn", 7, 3, 32))] == [2, 2, 2]
    parts = stages(build_backbone("timm:resnet10t", 7, 3, 32))
    assert [len(part) for part in parts] == [2, 1, 1, 1, 1]
    assert [len(part) for part in stages(build_head("mlp", 6, 4, 0.1))] == [1]
    assert stages(build_head("linear", 6, 4, 0.1)) == []
    wrapped = nn.Sequential(build_backbone("small-cnn", 7, 3, 32))
    assert [len(part) for part in stages(wrapped)] == [2, 2, 2]


def test_a_pretrained_network_has_the_stages_of_its_body():
    import timm

    tensors = timm.create_model("resnet10t", pretrained=False, num_classes=0).state_dict()
    network = PretrainedNetwork("timm:resnet10t", tensors, 7)
    parts = stages(network)
    assert [len(part) for part in parts] == [2, 1, 1, 1, 1]
    assert parts[-1] == [network.body.layer4]


def changed(network, last_stages):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    layers = network.renew(last_stages)
    after = network.state_dict()
    differs = {name for name, value in before.items() if not torch.equal(value, after[name])}
    return differs, {id(weight) for weight in layers.parameters()}


@pytest.mark.parametrize("last_stages", [0, 1, 99])
def test_only_the_last_layers_are_renewed(last_stages):
    torch.manual_seed(0)
    network = PreciseNetwork(build_backbone("resnet18", 7, 3, 32), "fp32", CPU)
    network(torch.randn(4, 3, 32, 32))  # moves the statistics of batch normalization
    tensors = {name: id(weight) for name, weight in network.named_parameters()}
    differs, renewed = changed(network, last_stages)
    late = {0: ("classifier",), 1: ("classifier", "blocks.6", "blocks.7"), 99: ("",)}[last_stages]
    expected = {name for name in tensors if name.removeprefix("body.").startswith(late)}
    # A scale of 1 and a shift of 0 are what normalization begins with.
    assert {n for n in expected if "conv" in n or "classifier" in n} <= differs
    assert all(name.removeprefix("body.").startswith(late) for name in differs)
    assert renewed == {tensors[name] for name in expected}
    assert tensors == {name: id(weight) for name, weight in network.named_parameters()}
    if last_stages:
        assert network.body.blocks[7].bn2.running_mean.abs().sum() == 0


def test_new_weights_have_the_spread_of_a_new_network():
    torch.manual_seed(0)
    network = PreciseNetwork(build_backbone("resnet18", 100, 3, 32), "fp32", CPU)
    with torch.no_grad():
        network.classifier.weight.fill_(3.0)
    spread = network.renew()[0].weight.std().item()
    assert spread == pytest.approx((1 / 512 / 3) ** 0.5, rel=0.05)
