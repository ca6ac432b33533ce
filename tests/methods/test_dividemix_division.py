"""DivideMix's division: the losses it is made from, the belief, and losses that tell nothing."""

import numpy as np
import pytest
import slow_dividemix as slow
import torch
from spied_dividemix import Recorder, SpyRun, belief_of, images_and_labels, train

from lnlbench.methods import dividemix as module
from lnlbench.methods.dividemix import DivideMix
from lnlbench.pieces.mixture import divide


@pytest.mark.parametrize("length", [1, 5])
def test_losses_are_normalized_and_averaged_over_the_last_divisions(monkeypatch, length):
    seen = []

    def spy(losses, seed, params):
        seen.append(losses)
        return divide(losses, seed, params)

    monkeypatch.setattr(module, "divide", spy)
    trained = train(60, epochs=9, warmup_epochs=2, loss_history=length)
    assert len(seen) == len(trained.run.training_logits) == 2 * 7
    for row in range(2):
        history = []
        for turn in range(7):
            logits = trained.run.training_logits[2 * turn + row].double().numpy()
            losses = slow.cross_entropies(logits, trained.run.labels.tolist())
            history.append(slow.normalize_losses(losses))
            reference = slow.mean_of_last(history, length)
            measured = seen[2 * turn + row].double().numpy()
            assert np.linalg.norm(measured - reference) < 1e-5 * np.linalg.norm(reference)


def test_every_fit_has_the_methods_parameters_and_a_seed_of_its_own(monkeypatch):
    seeds = []

    def spy(losses, seed, params):
        seeds.append(seed)
        assert params.mixture_max_iterations == 3
        assert params.mixture_tolerance == 0.1
        assert params.mixture_regularization == 0.01
        return divide(losses, seed, params)

    monkeypatch.setattr(module, "divide", spy)
    values = {"max_iterations": 3, "tolerance": 0.1, "regularization": 0.01}
    train(60, epochs=2, **{f"mixture_{name}": value for name, value in values.items()})
    assert len(set(seeds)) == len(seeds) == 4


def test_there_is_no_belief_before_the_first_division_and_then_one_for_each_sample():
    trained = train(60, epochs=4, warmup_epochs=2)
    assert trained.beliefs[:2] == [None, None]
    for belief in trained.beliefs[2:]:
        assert belief.shape == (60,)
        assert ((belief >= 0) & (belief <= 1)).all()


def test_there_is_no_belief_before_fit():
    assert DivideMix(DivideMix.Params()).clean_probability() is None


def test_the_belief_is_the_mean_of_both_networks_in_the_order_of_the_samples(plan):
    own, peers = belief_of(60, torch.arange(0, 20)), belief_of(60, torch.arange(10, 33))
    plan(own, peers)
    assert torch.allclose(train(60).beliefs[0], (own + peers) / 2)


def test_the_belief_finds_the_wrong_labels():
    count = 120
    trained = train(count, epochs=8, warmup_epochs=3, run_options={"policy": "none"})
    _, labels, clean = images_and_labels(count)
    belief = trained.beliefs[-1]
    right, wrong = belief[labels == clean], belief[labels != clean]
    assert len(wrong) == 24
    pairs = right.unsqueeze(1) - wrong.unsqueeze(0)
    assert ((pairs > 0).float() + 0.5 * (pairs == 0).float()).mean() > 0.95


def test_the_threshold_is_strict(plan):
    belief = torch.full((60,), 0.5)
    belief[:20] = 0.75
    plan(belief, belief)
    trained = train(60, clean_threshold=0.5)
    labeled = torch.cat([batch.index for _, batch, *_ in trained.given_to("network")])
    assert sorted(labeled.tolist()) == list(range(20))


def test_constant_losses_are_an_event_and_train_on_all_samples(monkeypatch):
    def same_for_every_label(self, images):
        return 0 * self.linear(images.flatten(1))

    monkeypatch.setattr(Recorder, "forward", same_for_every_label)
    trained = train(60)
    assert ["constant losses" in event.detail for event in trained.events("mixture")] == [True] * 2
    assert len(trained.events("empty unlabeled set")) == 2
    assert torch.equal(trained.beliefs[0], torch.ones(60))


def test_losses_that_are_not_finite_do_not_stop_a_division(monkeypatch):
    plain = SpyRun.logits

    def spoiled(self, network):
        logits = plain(self, network).clone()
        logits[7] = float("nan")
        logits[9, self.labels[9]] = -float("inf")
        return logits

    monkeypatch.setattr(SpyRun, "logits", spoiled)
    trained = train(60, epochs=4, warmup_epochs=3)
    belief = trained.beliefs[-1]
    assert torch.isfinite(belief).all()
    assert (belief[[7, 9]] <= belief.median()).all()
