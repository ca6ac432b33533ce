"""Networks leave evaluation mode as they entered it."""

import pytest
import torch
from torch import nn

from lnlbench.networks.evaluation_mode import evaluation_mode


def test_training_modes_return_and_no_gradients_are_kept():
    """A network that was training trains again; one in eval mode stays there."""
    first, second = nn.Linear(2, 2), nn.Linear(2, 2).eval()
    with evaluation_mode([first, second]):
        assert not first.training and not second.training
        assert first(torch.ones(1, 2)).is_inference()
    assert first.training and not second.training
    assert first(torch.ones(1, 2)).requires_grad


def test_an_error_inside_leaves_the_networks_as_they_were():
    network = nn.Linear(2, 2)
    with pytest.raises(ZeroDivisionError), evaluation_mode([network]):
        raise ZeroDivisionError
    assert network.training


def test_a_layer_that_is_kept_in_eval_mode_stays_there():
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    network[1].eval()
    with evaluation_mode([network]):
        assert not network[0].training
    assert network.training and network[0].training and not network[1].training
