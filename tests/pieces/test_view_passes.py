"""Passes over several views: together where no sample sees another, view by view elsewhere."""

import pytest
import torch
from torch import nn

from lnlbench.networks.heads import HEADS, build_head
from lnlbench.networks.onednn_linear import OneDnnLinear
from lnlbench.networks.precision import PreciseNetwork
from lnlbench.networks.small import small_cnn
from lnlbench.networks.view_passes import sees_samples_alone, view_logits

CPU = torch.device("cpu")
FEATURES = 24


class Counted(nn.Sequential):
    """A container of which nothing is known."""


def head(name, precision):
    return PreciseNetwork(build_head(name, FEATURES, 7, dropout=0.3), precision, CPU).train()


def passes(network):
    sizes = []
    network.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    return sizes


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", HEADS)
def test_a_head_makes_one_pass_and_its_logits_are_those_of_many(name, precision):
    network = head(name, precision)
    views = [torch.randn(count, FEATURES) for count in (32, 32, 5, 1)]
    torch.manual_seed(3)
    alone = [network(view) for view in views]
    sizes = passes(network)
    torch.manual_seed(3)
    together = view_logits(network, views)
    assert sizes == [70]
    # The same units are dropped too: what is left is the order in which a product is summed.
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-5 if precision == "fp32" else 2e-2)


def test_batch_statistics_are_of_one_view_unless_told_otherwise():
    network = small_cnn(7, 3).train()
    views = [torch.randn(4, 3, 32, 32), 5 * torch.randn(6, 3, 32, 32)]
    sizes = passes(network)
    apart = view_logits(network, views)
    assert sizes == [4, 6]
    sizes.clear()
    together = view_logits(network, views, together=True)
    assert sizes == [10]
    assert [len(part) for part in together] == [4, 6]
    assert not torch.allclose(apart[0], together[0], atol=1e-3)


@pytest.mark.parametrize(
    "layer", [nn.BatchNorm1d(FEATURES), Counted(nn.Linear(FEATURES, 7)), nn.Softmax(0)]
)
def test_a_layer_of_which_nothing_is_known_may_see_the_whole_batch(layer):
    assert sees_samples_alone(nn.Sequential(OneDnnLinear(FEATURES, FEATURES), nn.ReLU()))
    assert not sees_samples_alone(nn.Sequential(OneDnnLinear(FEATURES, FEATURES), layer))
