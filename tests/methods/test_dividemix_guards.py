"""DivideMix trains when a set is empty, tiny or lacks a class, and says so."""

import pytest
import torch
from spied_dividemix import HALF, belief_of, images_and_labels, train


def test_an_empty_labeled_set_is_replaced_by_the_most_credible_samples(plan):
    belief = belief_of(60, torch.arange(0))
    plan(belief, belief)
    trained = train(60, epochs=2)
    events = trained.events("empty labeled set")
    assert [event.epoch for event in events] == [0, 0, 1, 1]  # once for each network
    credible = belief.topk(HALF).indices.sort().values
    for _, batch, _, _, _ in trained.method.given:
        assert torch.equal(batch.index.sort().values, credible)


def test_a_threshold_near_one_still_trains():
    trained = train(60, epochs=3, clean_threshold=1 - 1e-9)
    assert trained.run.steps > 0
    assert all(len(batch.index) for _, batch, *_ in trained.method.given)


def test_an_empty_unlabeled_set_trains_on_labeled_samples_alone(plan):
    plan(torch.ones(60), torch.ones(60))
    trained = train(60)
    assert len(trained.events("empty unlabeled set")) == 2
    assert all(other is None for _, _, other, _, _ in trained.method.given)
    mixed = [call.size for call in trained.calls if call.grad]
    assert mixed == 2 * ([16] * 7 + [8])


def test_a_class_without_labeled_samples_is_an_event(plan):
    labels = images_and_labels(60)[1]
    belief = belief_of(60, (labels != 2).nonzero().squeeze(1))
    plan(belief, belief)
    trained = train(60)
    assert len(trained.events("absent classes")) == 2
    assert trained.events("absent classes")[0].detail == "1 of 4 have no labeled sample"


def test_an_ordinary_division_has_no_events(plan):
    belief = belief_of(60, torch.arange(30))
    plan(belief, belief)
    assert train(60).run.events == []


@pytest.mark.parametrize("count", [33, 59, 61, 64, 65])
@pytest.mark.parametrize("warmup_epochs", [0, 1])
def test_any_number_of_samples_trains(plan, count, warmup_epochs):
    belief = belief_of(count, torch.arange(count // 2))
    plan(belief, belief)
    trained = train(count, epochs=3, warmup_epochs=warmup_epochs)
    assert trained.run.epoch == 2
    assert len(trained.beliefs[-1]) == count


@pytest.mark.parametrize("labeled", [1, 59], ids=["one labeled", "one unlabeled"])
def test_a_set_of_a_single_sample_trains(plan, labeled):
    belief = belief_of(60, torch.arange(labeled))
    plan(belief, belief)
    trained = train(60)
    assert trained.run.steps > 0
