"""CAL: its sieve, losses and covariances against slow versions, and its two networks."""

import pytest
import slow_transition as slow
import torch
from lnlbench_transition.cal import (
    CAL,
    covariance,
    distilled_labels,
    label_losses,
    observed_flips,
    regularized_loss,
    regularizer_weight,
)
from planted import belief_in_truth, planted_run
from torch import nn

from lnlbench.interface.run import Run
from lnlbench.spec.run_spec import build_spec
from lnlbench.testing.small_runs import as_backbone, make_run
from lnlbench.tracks.schedule import learning_rate_factor

CLASSES = 5
exactly = {"rel": 1e-10, "abs": 1e-10}


def draw(samples=40, scale=3.0):
    generator = torch.Generator().manual_seed(0)
    logits = scale * torch.randn(samples, CLASSES, generator=generator, dtype=torch.float64)
    return logits, *torch.randint(CLASSES, (2, samples), generator=generator)


def test_the_weight_follows_the_authors_plan():
    plan = [0.0] * 11 + [step / 30 for step in range(1, 31)] + [1.0] * 59
    assert [regularizer_weight(e / 100, 1.0) for e in range(100)] == pytest.approx(plan, **exactly)


@pytest.mark.parametrize("threshold", [-8.0, -2.0])
def test_likely_labels_are_kept_and_others_replaced_by_the_prediction(threshold):
    logits, labels, _ = draw(scale=6.0)
    logits[:10] = 12 * nn.functional.one_hot(labels[:10], CLASSES)
    expected = [
        slow.distilled(row, int(y), threshold)
        for row, y in zip(logits.tolist(), labels, strict=True)
    ]
    assert distilled_labels(logits, labels, threshold).tolist() == expected
    assert expected[:10] == labels[:10].tolist()
    assert expected != labels.tolist()


def test_a_label_may_be_kept_against_the_prediction():
    # Both are likely, and the mean loss of all labels is large.
    logits, label = torch.tensor([[10.0, 9.9, *[-10.0] * 8]]), torch.tensor([1])
    assert distilled_labels(logits, label, -8.0).tolist() == [1]
    assert distilled_labels(logits, label, -20.0).tolist() == [0]


@pytest.mark.parametrize("weight", [0.0, 0.7])
def test_the_regularized_loss_rewards_confidence_in_any_label(weight):
    logits, labels, _ = draw()
    prior = torch.linspace(0.1, 2, CLASSES).double()
    expected = slow.mean(
        slow.cross_entropy(row, int(y), 1e-8)
        - weight
        * sum(
            share * loss
            for share, loss in zip(
                prior.tolist(), slow.losses_of_all_labels(row, 1e-5), strict=True
            )
        )
        for row, y in zip(logits.tolist(), labels, strict=True)
    )
    measured = regularized_loss(logits, labels, prior, weight)
    assert measured.item() == pytest.approx(expected, **exactly)


def test_the_covariance_is_summed_class_by_class():
    logits, labels, distilled = draw()
    distilled[distilled == 3] = 4  # an empty class
    flips = observed_flips(distilled, labels, CLASSES)
    flips = flips._replace(classes=flips.counts.double() / 40)
    means = torch.rand(CLASSES, CLASSES, generator=torch.Generator().manual_seed(1)).double()
    batch = torch.arange(0, 40, 3)
    expected = slow.covariance(
        logits[batch].tolist(),
        labels[batch].tolist(),
        distilled[batch].tolist(),
        labels.tolist(),
        distilled.tolist(),
        means.tolist(),
    )
    given = flips.counts.clamp(min=1).double()[:, None]
    joint = torch.zeros(CLASSES, CLASSES).double()
    joint.index_put_((distilled, labels), torch.ones(40).double(), accumulate=True)
    flips = flips._replace(given=joint / given)
    losses = label_losses(logits[batch])
    measured = covariance(losses, labels[batch], distilled[batch], flips, means)
    assert measured.item() == pytest.approx(expected, **exactly)


def test_flips_are_counted_and_an_empty_class_has_none():
    distilled, labels = torch.tensor([0, 0, 0, 2]), torch.tensor([0, 1, 0, 1])
    flips = observed_flips(distilled, labels, 3)
    assert flips.counts.tolist() == [3, 0, 1]
    assert flips.classes.tolist() == [0.75, 0, 0.25]
    assert torch.allclose(flips.given, torch.tensor([[2 / 3, 1 / 3, 0], [0, 0, 0], [0, 1, 0]]))


def test_labels_that_do_not_vary_within_a_class_have_no_covariance():
    logits, labels, _ = draw()
    flips = observed_flips((labels + 1) % CLASSES, labels, CLASSES)
    means = torch.rand(CLASSES, CLASSES).double()
    measured = covariance(label_losses(logits), labels, (labels + 1) % CLASSES, flips, means)
    assert measured.item() == pytest.approx(0, abs=1e-6)


def test_two_networks_follow_the_authors_plan_of_rates(monkeypatch):
    steps, original = [], Run.step

    def step(self, loss, optimizer):
        steps.append((optimizer, optimizer.param_groups[0]["lr"]))
        original(self, loss, optimizer)

    monkeypatch.setattr(Run, "step", step)
    run = make_run(samples=16, max_epochs=22, learning_rate_factor=lambda epoch: 1.0)
    method = CAL(CAL.Params(sieve_epochs=11, sieve_regularizer=2.0))
    stages = []
    run._host.control.epoch_finished = lambda epoch: stages.append(method.trained_networks())
    method.fit(run)
    first = [each for each, _ in steps[:11]]
    assert first == [method.sieve_optimizer] * 11
    assert [each for each, _ in steps[11:]] == [method.optimizer] * 11
    # The first network's epochs are every sixth of the authors', whose rate drops after 60.
    weights = [regularizer_weight(6 * e / 100, 2.0) for e in range(11)]
    expected = [0.1 / (1 + weight) for weight in weights]
    expected[10] /= 10
    expected += [0.1 / (1 + regularizer_weight(e / 11, 1.0)) for e in range(11)]
    assert [rate for _, rate in steps] == pytest.approx(expected)
    assert stages == [[method.sieve_network]] * 11 + [[method.network]] * 11


def test_mean_losses_are_those_of_the_epoch_before():
    said = []

    class Recorded(nn.Module):
        def __init__(self):
            super().__init__()
            self.last = nn.Linear(3072, 4)

        def forward(self, images):
            said.append(self.last(images.flatten(1)))
            return said[-1]

    run = make_run(samples=8, batch_size=8, network=lambda: as_backbone(Recorded()))
    orders, batches = [], run.batches

    def recorded(**settings):
        for batch in batches(**settings):
            orders.append(batch.index)
            yield batch

    run.batches = recorded
    method = CAL(CAL.Params(sieve_epochs=1))
    method.fit(run)
    distilled = method.distilled[orders[-1]]
    losses = label_losses(said[-1].detach())
    for i in range(4):
        members = losses[distilled == i]
        expected = members.mean(0) if len(members) else torch.zeros(4)
        assert torch.allclose(method.mean_losses[i], expected, atol=1e-5)


def test_planted_flips_are_distilled_away():
    beliefs = []
    run, right = planted_run(
        0.3,
        max_epochs=20,
        epoch_finished=lambda epoch: beliefs.append(method.clean_probability()),
    )
    method = CAL(CAL.Params())
    method.fit(run)
    assert [belief is None for belief in beliefs] == [True] * 7 + [False] * 13
    assert (run.labels == right).float().mean() < 0.75
    assert (method.distilled == right).float().mean() > 0.95
    assert ((beliefs[-1] == 1) == (run.labels == right)).float().mean() > 0.95
    assert belief_in_truth(method.network, run, right) > 0.75


@pytest.mark.parametrize(
    ("recipe", "classes", "factor", "weight"),
    [({}, 100, 10, 1), ({}, 10, 1, 1), (CAL.recipes["cifar10"].params, 10, 1, 2)],
)
def test_weights_are_the_authors_for_ten_and_for_a_hundred_classes(recipe, classes, factor, weight):
    method = CAL(CAL.Params(**recipe))
    assert method._prior_factor(make_run(num_classes=classes)) == factor
    assert method.params.sieve_regularizer == weight


def test_the_native_recipe_has_the_authors_two_runs():
    protocol = build_spec(CAL, "cifar100n-resnet34", "native").protocol
    assert protocol.epochs == 66 + 100
    rates = [learning_rate_factor(protocol, e) for e in (65, 66, 66 + 59, 66 + 60)]
    assert rates == pytest.approx([1, 1, 1, 0.1])
