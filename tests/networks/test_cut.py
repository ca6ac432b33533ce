"""Networks of timm cut in front of a layer: both parts together are the whole network."""

import copy

import pytest
import timm
import torch
from pretrained import BACKBONE, NETWORK, pretrained_file, tensors_of

from lnlbench.errors import UsageError
from lnlbench.networks.cut import cut
from lnlbench.networks.kept import check_layer
from lnlbench.networks.pretrained import PretrainedNetwork

CUTS = [
    ("test_efficientnet", "blocks.4", 32),
    ("test_efficientnet", "conv_head", 32),
    ("test_resnet", "layer4", 32),
    ("test_convnext", "stages.3", 64),
    ("densenet121", "features.denseblock4", 64),
    ("vit_tiny_patch16_224", "blocks.11", 224),
]


def network(name):
    torch.manual_seed(0)
    return timm.create_model(name, pretrained=False, num_classes=0)


@pytest.mark.parametrize(("name", "layer", "size"), CUTS)
def test_both_parts_together_are_the_whole_network(name, layer, size):
    whole = network(name)
    front, rest = cut(name, copy.deepcopy(whole), layer)
    images = torch.randn(2, 3, size, size)
    with torch.no_grad():
        for part in (whole, front, rest):
            part.eval()
        torch.testing.assert_close(rest(front(images)), whole(images))
        for part in (whole, front, rest):
            part.train()
        torch.testing.assert_close(rest(front(images)), whole(images))
    # In train mode batch statistics have moved, in both parts as in the whole network.
    state = whole.state_dict()
    parts = {**front.state_dict(), **rest.state_dict()}
    assert parts.keys() == state.keys()
    assert all(torch.equal(value, state[key]) for key, value in parts.items())
    shared = dict(front.named_parameters()).keys() & dict(rest.named_parameters()).keys()
    assert shared == set()


def test_the_rest_begins_with_the_layer_and_holds_nothing_in_front_of_it():
    _, rest = cut(NETWORK, network(NETWORK), "blocks.4")
    names = {name.split(".")[0] for name, _ in rest.named_parameters()}
    assert names == {"blocks", "conv_head", "bn2"}
    blocks = [name for name, _ in rest.named_parameters() if name.startswith("blocks")]
    assert {name.split(".")[1] for name in blocks} == {"4"}


def test_a_copy_of_the_rest_learns_on_its_own():
    _, rest = cut(NETWORK, network(NETWORK), "blocks.4")
    other = copy.deepcopy(rest).train()
    before = [parameter.clone() for parameter in rest.parameters()]
    optimizer = torch.optim.SGD(other.parameters(), lr=0.1)
    other(torch.randn(4, 48, 2, 2)).square().mean().backward()
    optimizer.step()
    assert all(map(torch.equal, before, rest.parameters()))
    assert not all(map(torch.equal, before, other.parameters()))


@pytest.mark.parametrize(
    ("layer", "near"),
    [("block.4", "Did you mean 'blocks.4'"), ("conv_stem", "conv_head"), ("", "Available: ")],
)
def test_an_unknown_layer_is_refused_with_those_that_exist(layer, near):
    with pytest.raises(UsageError) as caught:
        check_layer(BACKBONE, layer)
    for words in (near, "blocks.0, blocks.1", "first that is trained", "--frozen-until"):
        assert words in str(caught.value)
    assert "classifier" not in str(caught.value).partition("Available")[2]  # nothing to train there


def test_a_network_that_looks_at_its_input_cannot_be_cut():
    with pytest.raises(UsageError, match="timm:test_vit cannot be cut"):
        check_layer("timm:test_vit", "blocks.5")


def test_layers_learn_at_the_rates_that_they_have_in_the_whole_network(tmp_path):
    tensors = tensors_of(pretrained_file(tmp_path))
    whole = PretrainedNetwork(BACKBONE, tensors, 4)
    part = PretrainedNetwork(BACKBONE, tensors, 4, "blocks.3")

    def named_groups(network):
        names = {id(value): name for name, value in network.body.named_parameters()}
        return [[names[id(each)] for each in group] for group in network.layer_groups()]

    groups = named_groups(part)
    assert groups == named_groups(whole)[: len(groups)]
    assert len(groups) > 1
    assert part.has_body_of(tensors)
    assert not any(name.startswith("conv_stem") for name in part.body.state_dict())
