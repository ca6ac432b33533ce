"""What a method with several phases asks of a run beyond one network and one optimizer."""

import pytest
import torch
from torch import nn

import lnlbench
from lnlbench.errors import UsageError
from lnlbench.networks.build import build_backbone
from lnlbench.networks.precision import PreciseNetwork
from lnlbench.testing.small_runs import CPU, make_run


@pytest.mark.parametrize("name", ["small-cnn", "resnet18", "timm:resnet10t"])
def test_features_are_what_the_classifier_makes_logits_from(name):
    torch.manual_seed(0)
    network = PreciseNetwork(build_backbone(name, 7, 3, 32), "fp32", CPU).eval()
    images = torch.randn(3, 3, 32, 32)
    logits, features = network.with_features(images)
    assert torch.equal(logits, network(images))
    assert torch.allclose(network.classifier(features), logits, atol=1e-6)
    assert network.classifier.out_features == 7
    logits.sum().backward()
    assert network.classifier.weight.grad is not None


def test_a_network_without_a_linear_layer_is_refused():
    network = PreciseNetwork(nn.Conv2d(3, 4, 3), "fp32", CPU)
    with pytest.raises(UsageError, match="no linear layer"):
        network.with_features(torch.zeros(1, 3, 8, 8))


def test_optimizers_of_the_method_follow_the_schedule():
    run = make_run(max_epochs=3)
    network = run.network()
    slow = run.optimizer(network, lr_factor=0.5)
    own = run.follow_schedule(torch.optim.Adam([nn.Parameter(torch.zeros(2))], lr=1e-3))
    seen = [(slow.param_groups[0]["lr"], own.param_groups[0]["lr"]) for _ in run.epochs()]
    assert seen == [(0.05, 1e-3), (0.025, 5e-4), (0.0125, 2.5e-4)]


def test_a_schedule_may_begin_later_and_is_whole_all_the_same():
    run = make_run(max_epochs=6, learning_rate_factor=lambda epoch: 1 - epoch / 6)
    late = run.optimizer(run.network(), begin=2)
    never = run.optimizer(run.network(), begin=6)
    seen = [(late.param_groups[0]["lr"], never.param_groups[0]["lr"]) for _ in run.epochs()]
    assert [rate for rate, _ in seen] == pytest.approx([0.1, 0.1, 0.1, 0.075, 0.05, 0.025])
    assert {rate for _, rate in seen} == {0.1}


def test_one_step_moves_all_optimizers():
    run = make_run()
    first, second = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    optimizers = [torch.optim.SGD([each], lr=1.0) for each in (first, second)]
    run.step((2 * first * second).sum(), *optimizers)
    assert (first.item(), second.item()) == (-1.0, -1.0)
    assert run.steps == 1


def test_a_helper_takes_no_part_in_predict():
    class Own(lnlbench.Method):
        name = "own"
        reference = "Nobody (2026)"

    run, method = make_run(), Own(lnlbench.Params())
    method.network = run.network()
    method.projection = run.helper(nn.Linear(4, 2))
    assert method.trained_networks() == [method.network]


def test_a_loss_method_acts_around_its_epochs():
    calls = []

    class Own(lnlbench.LossMethod):
        name = "own"
        reference = "Nobody (2026)"

        def begin(self, run):
            calls.append(("begin", hasattr(self, "network")))

        def begin_epoch(self, run, epoch):
            calls.append(("begin", epoch))

        def loss(self, network, batch, epoch):
            return network(batch.views[0]).square().mean()

        def end_epoch(self, run, epoch):
            calls.append(("end", epoch, run.steps))

    Own(lnlbench.Params()).fit(make_run(samples=32, max_epochs=2))
    assert calls == [("begin", True), ("begin", 0), ("end", 0, 2), ("begin", 1), ("end", 1, 2)]
