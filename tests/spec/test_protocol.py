"""Protocols: learning rates over the epochs, and the optimizers that they describe."""

import math

import pytest
import torch
from torch import nn

from lnlbench.runner.optimizers import build_optimizer
from lnlbench.tracks import OptimizerSpec, load_track
from lnlbench.tracks.schedule import learning_rate_factor


def cosine(epochs, to):
    protocol = load_track("digits").protocol
    return protocol.model_copy(update={"epochs": epochs, "milestones": (), "cosine_to": to})


@pytest.mark.parametrize("to", [0.0, 0.01, 1.0])
def test_a_cosine_is_that_of_torch(to):
    protocol = cosine(7, to)
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.02)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 7, eta_min=0.02 * to)
    for epoch in range(7):
        expected = optimizer.param_groups[0]["lr"]
        assert 0.02 * learning_rate_factor(protocol, epoch) == pytest.approx(expected, rel=1e-12)
        optimizer.step()
        scheduler.step()


def test_a_cosine_begins_at_the_whole_rate_and_ends_just_above_its_share():
    protocol = cosine(300, 0.01)
    factors = [learning_rate_factor(protocol, epoch) for epoch in range(300)]
    assert factors[0] == 1
    assert factors == sorted(factors, reverse=True)
    assert factors[150] == pytest.approx(0.505)
    last = 0.01 + 0.99 * (1 - math.cos(math.pi / 300)) / 2
    assert factors[-1] == pytest.approx(last)


def test_without_a_cosine_and_nesterov_a_protocol_is_written_as_before_there_were_any():
    document = load_track("digits").protocol.model_dump(mode="json")
    assert "cosine_to" not in document
    assert set(document["optimizer"]) == {"name", "lr", "momentum", "weight_decay"}


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_is_nesterovs_where_the_protocol_says_so(nesterov):
    lr, momentum, decay = 0.1, 0.9, 0.01
    spec = OptimizerSpec(lr=lr, momentum=momentum, weight_decay=decay, nesterov=nesterov)
    protocol = load_track("digits").protocol.model_copy(update={"optimizer": spec})
    network = nn.Linear(1, 1, bias=False).double()
    optimizer = build_optimizer(network, protocol)
    weight, velocity = network.weight.item(), None
    for gradient in (1.0, -0.5, 2.0, 0.25):
        network.weight.grad = torch.full_like(network.weight, gradient)
        optimizer.step()
        slope = gradient + decay * weight
        velocity = slope if velocity is None else momentum * velocity + slope
        weight -= lr * (slope + momentum * velocity if nesterov else velocity)
        assert network.weight.item() == pytest.approx(weight, rel=1e-12)
