"""The checks of seeds, of resuming and of global state find what breaks them."""

import pytest
import torch
from good_method import Good, trials

from lnlbench.testing.behavior import ShortRuns, check_global_state, check_resume, check_seeds


def test_training_without_a_step_of_the_run():
    def fit(self, run):
        self.prepare(run)
        for epoch in run.epochs():
            for batch in run.batches(views=1):
                self.optimizer.zero_grad()
                self.learn(batch, epoch).backward()
                self.optimizer.step()

    finding = check_seeds(ShortRuns(trials(fit=fit)))
    assert finding.status == "failed"
    assert "never calls run.step" in finding.found


def test_draws_from_the_clock():
    def learn(self, batch, epoch):
        random = torch.Generator()
        random.seed()
        return Good.learn(self, batch, epoch) * torch.rand((), generator=random)

    finding = check_seeds(ShortRuns(trials(learn=learn)))
    assert finding.status == "failed"
    assert "Two runs of one seed differ" in finding.found


def test_a_seed_that_decides_nothing():
    def fit(self, run):
        self.prepare(run)
        for parameter in self.network.parameters():
            torch.nn.init.constant_(parameter, 0.01)
        for epoch in run.epochs():
            for batch in run.batches(views=1, augment="none", shuffle=False):
                run.step(self.learn(batch, epoch), self.optimizer)

    finding = check_seeds(ShortRuns(trials(fit=fit)))
    assert finding.status == "failed"
    assert "Seeds 0 and 1 give the same numbers" in finding.found


def test_state_that_a_checkpoint_does_not_see():
    def fit(self, run):
        self.prepare(run)
        weight = 1.0
        for epoch in run.epochs():
            for batch in run.batches(views=1):
                run.step(weight * self.learn(batch, epoch), self.optimizer)
            weight *= 0.5

    finding = check_resume(ShortRuns(trials(fit=fit)))
    assert finding.status == "failed"
    assert "in epoch 2" in finding.found
    assert "local variables" in finding.advice


@pytest.mark.parametrize("stream", ["torch", "NumPy", "random"])
def test_a_global_stream_that_is_seeded(stream):
    import random

    import numpy as np

    seed = {"torch": torch.manual_seed, "NumPy": np.random.seed, "random": random.seed}[stream]

    def learn(self, batch, epoch):
        seed(0)
        return Good.learn(self, batch, epoch)

    finding = check_global_state(ShortRuns(trials(learn=learn)))
    assert finding.status == "failed"
    assert f"random stream of {stream} is the same" in finding.found


def test_a_default_that_is_changed_is_named_and_put_back():
    broken = trials(finish=lambda self, run: torch.set_default_dtype(torch.float64))
    finding = check_global_state(ShortRuns(broken))
    assert finding.status == "failed"
    assert "torch's default dtype: torch.float32 became torch.float64" in finding.found
    assert torch.get_default_dtype() == torch.float32
