"""ELR+: its formulas against slow versions, and both networks over a run."""

import pytest
import slow_early_learning as slow
import torch
from lnlbench_early_learning.elr_plus import ELRPlus, weighted_labels
from recording import CLASSES, Recorded, draw, mean, recorded_losses, recorded_order
from torch import nn

from lnlbench.pieces import mixup
from lnlbench.testing import check_method
from lnlbench.testing.small_runs import make_embedding_run, make_run


@pytest.mark.slow
def test_every_check_passes():
    check_method(ELRPlus)


def test_labels_are_weighted_by_the_targets():
    logits, labels = draw()
    targets = logits.softmax(1)
    given = nn.functional.one_hot(labels, CLASSES).float()
    soft = mixup.mix(given, 0.7, torch.arange(12).roll(1))
    expected = [slow.weighted(*pair) for pair in zip(soft.tolist(), targets.tolist(), strict=True)]
    assert torch.allclose(weighted_labels(soft, targets), torch.tensor(expected), atol=1e-6)


def test_labels_that_the_target_denies_altogether_give_no_nan():
    assert weighted_labels(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])).tolist() == [
        [0, 0]
    ]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, (0.9, 7.0, 5 / 11, True, 5 / 11)),
        (ELRPlus.recipes["cifar10"].params, (0.7, 3.0, 0.0, False, 25 / 44)),
    ],
)
def test_defaults_are_the_authors_for_cifar100_and_a_recipe_has_those_for_cifar10(params, expected):
    chosen = ELRPlus.Params(**params)
    assert pytest.approx(expected) == (
        chosen.target_momentum,
        chosen.regularization,
        chosen.rampup_share,
        chosen.weight_labels,
        chosen.ema_rampup_share,
    )


def test_elr_plus_through_a_run(monkeypatch):
    """Both networks' losses and targets, from what was shown to whom."""
    made, losses = [], recorded_losses(monkeypatch)

    def network():
        made.append(Recorded())
        return made[-1]

    run = make_run(samples=8, batch_size=8, max_epochs=3, network=network)
    orders = recorded_order(run)
    params = ELRPlus.Params(regularization=3.0, rampup_share=0.5, target_momentum=0.8)
    method = ELRPlus(params)
    method.fit(run)
    assert method.trained_networks() == made[:2]
    students, averages = made[:2], made[2:]
    targets = [[[0.0] * CLASSES for _ in range(8)] for _ in range(2)]
    for step, loss in enumerate(losses):
        epoch, which = divmod(step, 2)
        teacher, student = averages[1 - which], students[which]
        plain, mixed = teacher.seen[epoch], student.seen[epoch]
        share, partners = found_mixing(plain, mixed)
        index = orders[step]
        for i, row in zip(index, teacher.said[epoch], strict=True):
            targets[which][i] = slow.target(targets[which][i], row, 0.8)
        given = [slow.one_hot(int(run.labels[i]), CLASSES) for i in index]
        labels = slow.mixed(given, share, partners)
        goals = slow.mixed([targets[which][i] for i in index], share, partners)
        weight = 3.0 * slow.ramp((epoch + 1) / 3 / 0.5)
        expected = mean(
            slow.soft_cross_entropy(row, slow.weighted(label, goal))
            + weight * slow.elr_penalty(row, goal)
            for row, label, goal in zip(student.said[epoch], labels, goals, strict=True)
        )
        assert loss == pytest.approx(expected, rel=1e-2, abs=1e-3)
    assert torch.allclose(method.targets, torch.tensor(targets), atol=1e-5)
    belief = [
        mean(rows[i][int(run.labels[i])] / sum(rows[i]) for rows in targets) for i in range(8)
    ]
    assert method.clean_probability().tolist() == pytest.approx(belief, abs=1e-4)


def found_mixing(plain, mixed):
    """The share and the partners that turn plain images into mixed ones."""
    partners, shares = [], []
    for i, image in enumerate(mixed):
        if torch.allclose(image, plain[i], atol=1e-5):
            partners.append(i)  # its own partner, which tells no share
            continue
        candidates = []
        for j, other in enumerate(plain):
            line = plain[i] - other
            share = (((image - other) * line).sum() / line.square().sum().clamp(min=1e-9)).item()
            distance = (share * plain[i] + (1 - share) * other - image).square().sum().item()
            candidates.append((distance, j, share))
        _, partner, share = min(candidates)
        partners.append(partner)
        shares.append(share)
    assert max(shares) - min(shares) < 1e-3
    return shares[0], partners


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_averages_follow_their_networks_at_the_decay_of_the_moment(share):
    made, starts, stepped = [], [], []

    def network():
        made.append(Recorded())
        starts.append(made[-1].weight.detach().clone())
        return made[-1]

    def step_finished():
        # The networks take turns, a step an epoch.
        stepped.append(made[len(stepped) % 2].weight.detach().clone())

    run = make_run(
        samples=8, batch_size=8, max_epochs=4, network=network, step_finished=step_finished
    )
    ELRPlus(ELRPlus.Params(ema_decay=0.9, ema_rampup_share=share)).fit(run)
    for which, expected in enumerate(starts[2:]):
        for epoch, weight in enumerate(stepped[which::2]):
            decay = 0.9 * (slow.ramp((epoch + 1) / 4 / share) if share else 1)
            expected = decay * expected + (1 - decay) * weight
        assert torch.allclose(made[2 + which].weight, expected, atol=1e-5)


def test_elr_plus_trains_heads_on_frozen_features():
    method, run = ELRPlus(ELRPlus.Params()), make_embedding_run()
    method.fit(run)
    assert run.epoch == 2
    assert len(method.trained_networks()) == ELRPlus.networks
