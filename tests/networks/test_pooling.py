"""The mean of whole maps, and the memory layout of its gradient."""

import pytest
import timm
import torch
from torch import nn

from lnlbench.networks.pooling import ChannelsLastMean, pool_channels_last
from lnlbench.networks.pretrained import PretrainedNetwork
from lnlbench.networks.timm_backbone import build_timm


def maps(layout: torch.memory_format) -> torch.Tensor:
    """Maps [3, 5, 4, 2] in a memory layout."""
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(3, 5, 4, 2, generator=generator)
    return drawn.contiguous(memory_format=layout).requires_grad_()


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_means_and_gradients_are_those_of_torch_s_pooling(layout):
    results = []
    for pool in (nn.AdaptiveAvgPool2d(1), ChannelsLastMean()):
        given = maps(layout)
        pooled = pool(given)
        pooled.square().sum().backward()
        results.append((pooled, given.grad))
    torch.testing.assert_close(*results)


def test_the_gradient_keeps_the_channels_last():
    given, seen = maps(torch.channels_last), []
    between = given * 1
    between.register_hook(seen.append)
    ChannelsLastMean()(between).sum().backward()
    assert seen[0].is_contiguous(memory_format=torch.channels_last)


def pools(network: nn.Module) -> list[type]:
    """The types of a network's layers that take means of maps."""
    return [type(each) for each in network.modules() if isinstance(each, nn.AdaptiveAvgPool2d)]


def test_networks_of_timm_that_are_trained_pool_this_way():
    tensors = timm.create_model("test_efficientnet", num_classes=0).state_dict()
    for network in (
        build_timm("test_efficientnet", 10, 3, 32),
        PretrainedNetwork("timm:test_efficientnet", tensors, 10),
    ):
        assert pools(network) == [ChannelsLastMean]


def test_other_pooling_is_left_alone():
    network = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Sequential(nn.AdaptiveAvgPool2d((1, 1))))
    pool_channels_last(network)
    assert pools(network) == [nn.AdaptiveAvgPool2d, ChannelsLastMean]
