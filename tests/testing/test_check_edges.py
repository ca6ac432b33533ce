"""The checks of odd data, of predictions and of beliefs find what is wrong with them."""

import pytest
import torch
from good_method import Good, trials

from lnlbench.testing.behavior import check_runs
from lnlbench.testing.edges import check_belief, check_edges, check_predictions
from lnlbench.testing.trials import digits


def test_a_class_without_samples():
    def prepare(self, run):
        Good.prepare(self, run)
        self.weight = 1 / run.labels.bincount(minlength=run.num_classes)

    def learn(self, batch, epoch):
        return (self.network(batch.views[0]) * self.weight).square().mean()

    finding = check_edges(trials(prepare=prepare, learn=learn))
    assert finding.status == "failed"
    assert "With a class without samples: A loss was infinite or NaN" in finding.found


@pytest.mark.parametrize(
    ("predict", "found"),
    [
        (lambda self, images: self.network(images) + torch.randn(len(images), 1), "two answers"),
        (lambda self, images: self.network(images) - self.network(images).mean(0), "differ from"),
        (lambda self, images: self.network(images) / 0, "infinite or NaN"),
    ],
)
def test_predictions(predict, found):
    trial = trials(predict=predict).run(digits(64))
    finding = check_predictions(trial)
    assert finding.status == "failed"
    assert found in finding.found


def test_predictions_that_are_probabilities():
    trial = trials().run(digits(64))

    def finding(answer):
        trial.method.predict = lambda images: answer(trial.method.network(images))
        return check_predictions(trial)

    wrong = finding(lambda logits: logits.softmax(1))
    assert wrong.status == "failed"
    assert "probabilities, not logits" in wrong.found
    for right in (lambda logits: logits.log_softmax(1), lambda logits: 2 * logits.softmax(1)):
        assert finding(right).status == "passed"


def test_a_belief_that_is_not_in_the_order_of_the_samples():
    broken = trials(clean_probability=lambda self: Good.clean_probability(self).roll(1))
    finding = check_belief(broken)
    assert finding.status == "failed"
    assert "batch.index" in finding.advice


@pytest.mark.parametrize(
    "belief", [lambda self: self.losses + 2, lambda self: torch.ones(3)], ids=["range", "shape"]
)
def test_a_belief_that_is_no_probability_of_each_sample(belief):
    finding, _ = check_runs(trials(clean_probability=belief))
    assert finding.status == "failed"
    assert "must be (1297,) values in [0, 1]" in finding.found


def test_a_belief_that_says_nothing_yet_is_no_mistake():
    finding = check_belief(trials(clean_probability=lambda self: torch.ones_like(self.losses)))
    assert finding.status == "skipped"
