"""DivideMix's epochs: who runs when and in which mode, on which samples, and what it predicts."""

import math

import pytest
import slow_dividemix as slow
import torch
from spied_dividemix import EVERY, HALF, SIDE, Call, belief_of, make_run, train

from lnlbench.methods.dividemix import DivideMix


def test_an_epoch_after_warm_up_call_by_call(plan):
    plan(belief_of(60, torch.arange(0, 20)), belief_of(60, torch.arange(40, 53)))
    calls = train(60).calls
    evaluated = [
        Call(name, "forward", False, False, size)
        for name in ("network", "peer")
        for size in (EVERY, EVERY, 60 % EVERY)
    ]
    assert calls[:6] == evaluated
    expected = []
    # The network learns from the peer's 13 labeled samples, then the peer from the network's 20.
    # The 47 (40) others fill every unlabeled batch.
    for name, other, sizes in [("network", "peer", [8, 5]), ("peer", "network", [8, 8, 4])]:
        for size in sizes:
            expected += [Call(name, "forward", True, False, HALF)] * 2  # guessing, a view each
            expected += [Call(name, "forward", True, False, size)] * 2  # refining
            expected += [Call(other, "forward", False, False, 2 * HALF)]  # the peer's two views
            expected += [Call(name, "forward", True, True, 2 * size + 2 * HALF)]
            expected += [Call(name, "step")]
    assert calls[6:] == expected


def test_each_network_learns_from_the_others_division(plan):
    own, peers = belief_of(60, torch.arange(0, 20)), belief_of(60, torch.arange(40, 53))
    plan(own, peers)
    trained = train(60)
    for name, belief in [("network", peers), ("peer", own)]:
        given = trained.given_to(name)
        labeled = torch.cat([batch.index for _, batch, _, _, _ in given])
        assert sorted(labeled.tolist()) == (belief > 0.5).nonzero().squeeze(1).tolist()
        for _, batch, other, clean_probability, _ in given:
            assert torch.equal(clean_probability, belief[batch.index])
            assert torch.equal(batch.labels, trained.run.labels[batch.index])
            assert (belief[other.index] <= 0.5).all()


def test_divisions_are_made_from_the_networks_as_they_were_before_the_epoch():
    """The peer's update follows the network's, but its division does not depend on it."""
    trained = train(60, epochs=2, run_options={"lr": 0.5})
    for epoch in trained.by_epoch:
        first = next(i for i, call in enumerate(epoch) if call.kind == "step")
        evaluations = [i for i, call in enumerate(epoch) if call.size in (EVERY, 60 % EVERY)]
        evaluations = [i for i in evaluations if not epoch[i].training]
        assert [epoch[i].network for i in evaluations[:6]] == ["network"] * 3 + ["peer"] * 3
        assert evaluations[5] < first


def test_warm_up_trains_both_networks_on_all_samples():
    trained = train(60, epochs=1, warmup_epochs=1)
    sizes = [16, 16, 16, 12]
    expected = []
    for name in ("network", "peer"):
        for size in sizes:
            expected += [Call(name, "forward", True, True, size), Call(name, "step")]
    assert trained.calls == expected
    assert trained.method.given == []


@pytest.mark.parametrize(
    ("labeled", "sizes"),
    [(8, [8]), (9, [9]), (16, [8, 8]), (17, [8, 9]), (21, [8, 8, 5]), (40, [8] * 5)],
)
def test_the_epochs_length_follows_the_labeled_set(plan, labeled, sizes):
    belief = belief_of(60, torch.arange(labeled))
    plan(belief, belief)
    trained = train(60)
    for name in ("network", "peer"):
        assert [len(batch.index) for _, batch, _, _, _ in trained.given_to(name)] == sizes
    # A trailing batch of one sample joins the one before it.
    assert len(sizes) == math.ceil(labeled / HALF) - (labeled % HALF == 1 and labeled > HALF)


def test_the_unlabeled_batches_start_again_when_exhausted(plan):
    belief = belief_of(60, torch.arange(50))  # 7 labeled batches for 10 unlabeled samples
    plan(belief, belief)
    trained = train(60)
    given = trained.given_to("network")
    sizes = [len(other.index) for _, _, other, _, _ in given]
    assert sizes == [8, 2, 8, 2, 8, 2, 8]
    for start in range(0, 6, 2):
        once = torch.cat([given[start][2].index, given[start + 1][2].index])
        assert sorted(once.tolist()) == list(range(50, 60))
    orders = [torch.cat([given[i][2].index, given[i + 1][2].index]).tolist() for i in (0, 2, 4)]
    assert orders[0] != orders[1] or orders[1] != orders[2]  # reshuffled


def test_the_two_views_of_a_sample_differ(plan):
    belief = belief_of(60, torch.arange(30))
    plan(belief, belief)
    for _, batch, other, _, _ in train(60).given_to("network"):
        for views in (batch.views, other.views):
            assert len(views) == 2
            assert not torch.equal(*views)


def test_the_weight_of_the_unlabeled_loss_ramps_up_from_the_end_of_warm_up(plan):
    belief = belief_of(60, torch.arange(20))
    plan(belief, belief)
    trained = train(60, epochs=6, warmup_epochs=2, rampup_epochs=3)
    for name in ("network", "peer"):
        ramps = [ramp for *_, ramp in trained.given_to(name)]
        expected = [slow.ramp(epoch, step, 3, 2, 3) for epoch in range(2, 6) for step in range(3)]
        assert ramps == pytest.approx(expected)
        assert ramps[0] == 0
        assert ramps[-1] == 1


@pytest.mark.parametrize(("together", "moves"), [(False, 5), (True, 2)])
def test_running_statistics_move_with_every_pass_of_a_step(plan, together, moves):
    """Two passes of guessing and two of refining, or one for all, and the one with gradients."""
    belief = belief_of(60, torch.arange(24))
    plan(belief, belief)
    trained = train(60, guess_together=together)
    for network in (trained.method.network, trained.method.peer):
        assert int(network.normalization.num_batches_tracked) == 3 * moves


def test_a_warm_up_as_long_as_the_run_never_divides():
    trained = train(60, epochs=2, warmup_epochs=2)
    assert trained.beliefs == [None, None]
    assert trained.method.given == []


@pytest.mark.parametrize(("epochs", "warmup"), [(1, 1), (4, 1), (20, 2)])
def test_warm_up_is_a_tenth_of_the_run_by_default(monkeypatch, epochs, warmup):
    order = []
    monkeypatch.setattr(DivideMix, "_warm_up", lambda *given: order.append("warm up"))
    monkeypatch.setattr(DivideMix, "_divide_by_losses", lambda *given: order.append("divide"))
    monkeypatch.setattr(DivideMix, "_train", lambda *given: None)
    DivideMix(DivideMix.Params()).fit(make_run(60, epochs))
    assert order == ["warm up"] * 2 * warmup + ["divide"] * (epochs - warmup)


def test_equal_seeds_end_in_equal_networks_and_other_seeds_do_not():
    def weights(seed):
        trained = train(60, epochs=3, warmup_epochs=1, run_options={"seed": seed})
        return trained.method.network.linear.weight, trained.method.peer.linear.weight

    first, second, other = weights(0), weights(0), weights(1)
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    assert not torch.equal(first[0], other[0])
    assert not torch.equal(first[0], first[1])


def test_the_prediction_is_the_mean_of_both_networks_logits():
    trained = train(60)
    method = trained.method
    for network in (method.network, method.peer):
        network.eval()
    images = torch.randn(5, 1, SIDE, SIDE)
    logits = [network(images) for network in (method.network, method.peer)]
    assert torch.equal(method.predict(images), (logits[0] + logits[1]) / 2)
    assert torch.equal(method.predict(images).argmax(1), (logits[0] + logits[1]).argmax(1))
