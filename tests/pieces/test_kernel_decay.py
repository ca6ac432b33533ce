"""Weight decay as a term of the loss, against sums and steps written out one number at a time."""

import pytest
import torch
from tiny import comparable, run_short
from torch import nn

from lnlbench.errors import Interrupted
from lnlbench.interface.batch import CleanSubset
from lnlbench.interface.run import Run
from lnlbench.methods.mentormix import MentorMix
from lnlbench.methods.mentornet import MentorNetPD
from lnlbench.methods.mentornet_dd import MentorNetDD
from lnlbench.pieces.kernel_decay import half_squares, take_decay
from lnlbench.testing.small_runs import make_run

LR, DECAY = 0.1, 0.05
HALF = ((0.5, 100),)
EVERY_SECOND = {"curriculum": "baseline", "example_dropout": HALF}


def network():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, 4),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Flatten(),
        nn.LayerNorm(256),
        nn.Linear(256, 4),
    )


KERNELS = {"0.weight", "5.weight"}


def numbers(module):
    """Every parameter's numbers, by name."""
    return {name: each.flatten().tolist() for name, each in module.named_parameters()}


def test_kernels_alone_count_each_with_half_its_square():
    module = network()
    named = numbers(module)
    expected = sum(value * value / 2 for name in KERNELS for value in named[name])
    total = half_squares(module)
    assert total.item() == pytest.approx(expected, rel=1e-5)
    total.backward()
    for name, parameter in module.named_parameters():
        if name in KERNELS:
            assert torch.equal(parameter.grad, parameter)
        else:
            assert parameter.grad is None


def test_an_optimizer_gives_its_decay_away():
    module = network()
    groups = [{"params": module[0].parameters()}, {"params": module[5].parameters(), "lr": 1e-3}]
    optimizer = torch.optim.SGD(groups, lr=LR, weight_decay=DECAY)
    assert take_decay(optimizer) == DECAY
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0, 0]
    assert take_decay(optimizer) == 0


def after_one_step(method, settings, lr=LR, decay=DECAY):
    """The parameters of a method's network after one step of plain gradient descent."""
    subset = CleanSubset(torch.arange(4), torch.zeros(4, dtype=torch.int64))
    run = make_run(
        samples=16,
        max_epochs=1,
        network=network,
        oracle={"clean_subset": subset},
        learning_rate_factor=lambda epoch: 1.0,
        build_optimizer=lambda module: torch.optim.SGD(
            module.parameters(), lr=lr, weight_decay=decay
        ),
    )
    trained = method(method.Params(**settings))
    trained.fit(run)
    assert run.steps == 1
    return numbers(trained.network)


@pytest.mark.parametrize(
    ("method", "settings", "share"),
    [
        # Every sample has weight one, and dropout keeps eight of sixteen.
        (MentorNetPD, EVERY_SECOND, 0.5),
        (MentorNetDD, {"burn_in": 100, "example_dropout": HALF, "mentor_steps": 1}, 0.5),
        (MentorMix, {**EVERY_SECOND, "second_weighting": True}, 0.5),
        # Without a second weighting no weights multiply MentorMix's loss.
        (MentorMix, EVERY_SECOND, 1.0),
        (MentorMix, {**EVERY_SECOND, "drop_weight_decay": True}, 0.0),
    ],
)
def test_a_step_shrinks_kernels_by_the_mean_weight_after_dropout(method, settings, share):
    start = after_one_step(method, settings, lr=0.0)
    without = after_one_step(method, settings, decay=0.0)
    decayed = after_one_step(method, {**settings, "weighted_decay": True})
    for name, values in start.items():
        shrunk = LR * DECAY * share if name in KERNELS else 0.0
        for value, plain, measured in zip(values, without[name], decayed[name], strict=True):
            assert measured == pytest.approx(plain - shrunk * value, abs=1e-6)


@pytest.mark.parametrize("method", [MentorNetPD, MentorNetDD, MentorMix])
def test_native_recipes_weigh_the_decay_and_matched_ones_leave_it_to_the_optimizer(method):
    assert method.recipes["native"].params["weighted_decay"] is True
    matched = method(method.Params(mentor_steps=1) if method is MentorNetDD else method.Params())
    assert "weighted_decay" not in matched.params.model_dump()
    assert matched.params.weighted_decay is False


def test_a_run_with_weighted_decay_is_resumed_with_the_same_decay(tmp_path, monkeypatch):
    name = "mentornet-dd"
    params = {"weighted_decay": True}
    undisturbed = run_short(name, tmp_path / "one", params=params)
    assert undisturbed.curves != run_short(name, tmp_path / "plain").curves

    def stopped(self, loss, optimizer):
        if self.epoch == 2:
            raise Interrupted("for this test")
        step(self, loss, optimizer)

    step = Run.step
    with monkeypatch.context() as patched:
        patched.setattr(Run, "step", stopped)
        assert run_short(name, tmp_path / "two", params=params).status == "interrupted"
    assert comparable(run_short(name, tmp_path / "two", params=params)) == comparable(undisturbed)
