"""PES and its semi-supervised form: formulas against slow versions, refinement, planted noise."""

import math

import pytest
import slow_early_learning as slow
import torch
from lnlbench_early_learning.pes import PES
from lnlbench_early_learning.pes_semi import (
    PESSemi,
    batch_sizes,
    weighted_soft_cross_entropy,
)
from lnlbench_early_learning.progressive import (
    ProgressiveParams,
    class_weights,
    confidence_belief,
    refine,
)
from planted import accuracy, planted_run
from recording import CLASSES, draw, mean
from torch import nn

from lnlbench.interface.batch import Batch
from lnlbench.interface.run import Run
from lnlbench.pieces import mixup
from lnlbench.testing import check_method
from lnlbench.testing.small_runs import as_backbone, make_embedding_run, make_run

exactly = {"rel": 1e-10, "abs": 1e-10}
both = pytest.mark.parametrize("kind", [PES, PESSemi], ids=["pes", "pes-semi"])


@pytest.mark.slow
@both
def test_every_check_passes(kind):
    check_method(kind)


def test_a_label_is_believed_where_it_is_predicted():
    logits, labels = draw()
    probabilities = logits.double().softmax(1)
    belief = confidence_belief(probabilities, labels)
    for row, label, value in zip(probabilities.tolist(), labels.tolist(), belief, strict=True):
        confident = row.index(max(row)) == label
        assert (value > 0.5) == confident
        assert value.item() == pytest.approx((confident + row[label]) / 2, **exactly)


def test_classes_with_few_samples_weigh_more_up_to_a_limit():
    labels = torch.tensor([0] * 12 + [1] * 3 + [3] * 1)
    assert class_weights(labels, 5, math.inf).tolist() == pytest.approx(
        [16 / 3 / 12, 16 / 3 / 3, 0, 16 / 3, 0]
    )
    assert class_weights(labels, 5, 3.0).tolist() == pytest.approx([4 / 9, 16 / 9, 0, 3, 0])


def test_soft_labels_are_weighed_by_class_and_the_mean_is_not():
    logits, labels = (part.double() if part.is_floating_point() else part for part in draw())
    targets = mixup.mix(nn.functional.one_hot(labels, CLASSES).double(), 0.7, torch.arange(12) ^ 1)
    weights = [0.5, 3.0, 0.0, 1.2]
    expected = mean(
        -sum(w * q * math.log(p) for w, q, p in zip(weights, row, slow.softmax(z), strict=True))
        for row, z in zip(targets.tolist(), logits.tolist(), strict=True)
    )
    measured = weighted_soft_cross_entropy(logits, targets, torch.tensor(weights).double())
    assert measured.item() == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(
    ("labeled", "unlabeled", "expected"),
    [
        (30_000, 20_000, (77, 51)),
        (20_000, 30_000, (64, 64)),
        (50_000, 0, (128, 0)),
        (49_900, 100, (126, 2)),
    ],
)
def test_a_batch_is_shared_as_the_authors_share_it(labeled, unlabeled, expected):
    assert batch_sizes(labeled, unlabeled, 128) == expected


def convolutions():
    layers = [nn.Conv2d(3, 8, 3, 4, bias=False), nn.BatchNorm2d(8), nn.ReLU()]
    late = [nn.Conv2d(8, 8, 3, 2, bias=False), nn.BatchNorm2d(8), nn.AdaptiveAvgPool2d(2)]
    return as_backbone(nn.Sequential(*layers, *late, nn.Flatten(), nn.Linear(32, CLASSES)))


@pytest.mark.parametrize("trained", [False, True])
def test_refinement_trains_late_layers_alone_and_hands_them_over(trained):
    run = make_run(network=convolutions)
    network = run.network()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    batch = next(run.batches(views=1))
    run.step(network(batch.views[0]).square().mean(), optimizer)
    early, middle, last = (network.body[i].weight for i in (0, 3, 7))
    before = early.clone()
    params = ProgressiveParams(train_renewed=trained)
    steps = run.steps
    refine(run, network, optimizer, ((1, 2), (0, 3)), params)
    assert run.steps - steps == 5 * 4  # five passes of four batches
    assert torch.equal(early, before)
    assert early in optimizer.state
    assert middle not in optimizer.state
    assert last not in optimizer.state
    assert (early.requires_grad, middle.requires_grad) == (True, trained)
    moved = middle.clone()
    run.step(network(batch.views[0]).square().mean(), optimizer)
    assert not torch.equal(early, before)
    assert torch.equal(middle, moved) != trained


def test_a_network_whose_layers_are_all_late_learns_all_of_them():
    run = make_embedding_run()
    network = run.network()
    optimizer = run.optimizer(network)
    refine(run, network, optimizer, [(0, 1)], ProgressiveParams())
    assert network.classifier.weight.requires_grad


@pytest.mark.parametrize(("given", "expected"), [(None, 390e-4 / 3), (0.02, 0.02)])
def test_shorter_passes_raise_the_rate_of_refinement(monkeypatch, given, expected):
    rates, original = [], Run.step

    def step(self, loss, optimizer):
        rates.append(optimizer.param_groups[0]["lr"])
        original(self, loss, optimizer)

    monkeypatch.setattr(Run, "step", step)
    run = make_run()  # fifty samples in batches of 16 are three full batches
    network = run.network()
    optimizer = run.optimizer(network)
    refine(run, network, optimizer, [(0, 1)], ProgressiveParams(refine_lr=given))
    assert rates == pytest.approx([expected] * 4)


def test_a_step_of_mixmatch_adds_up():
    run = make_run(max_epochs=4)
    method = PESSemi(PESSemi.Params())
    method.network = nn.Sequential(nn.Flatten(), nn.Linear(12, CLASSES))
    views = list(torch.randn(2, 3, 3, 2, 2, generator=torch.Generator().manual_seed(1)))
    labels, weights = torch.tensor([0, 1, 2]), torch.tensor([1.0, 2.0, 0.5, 0.0])
    batch = Batch(index=labels, views=views, labels=labels)
    other = Batch(index=labels[:2], views=[2 * view[:2] for view in views], labels=labels[:2])
    for epoch, alpha in ((0, 4.0), (2, 0.75)):
        run.epoch = epoch
        state = run.generator.get_state()
        loss = method._loss(run, batch, other, weights, 10.0)
        run.generator.set_state(state)
        share = mixup.draw_share(alpha, run.generator)
        partners = mixup.draw_partners(10, run.generator, run.device).tolist()
        one, two = (method.network(view).tolist() for view in other.views)
        guesses = []
        for a, b in zip(one, two, strict=True):
            powers = [
                ((p + q) / 2) ** 2 for p, q in zip(slow.softmax(a), slow.softmax(b), strict=True)
            ]
            guesses.append([power / sum(powers) for power in powers])
        given = [slow.one_hot(int(y), CLASSES) for y in labels]
        targets = slow.mixed([*given, *given, *guesses, *guesses], share, partners)
        images = torch.cat([*views, *other.views])
        blend = torch.stack(
            [share * images[i] + (1 - share) * images[j] for i, j in enumerate(partners)]
        )
        said = [slow.softmax(row) for row in method.network(blend).tolist()]
        labeled = mean(
            -sum(w * q * math.log(p) for w, q, p in zip(weights.tolist(), row, s, strict=True))
            for row, s in zip(targets[:6], said[:6], strict=True)
        )
        squares = [
            (p - q) ** 2
            for row, s in zip(targets[6:], said[6:], strict=True)
            for p, q in zip(s, row, strict=True)
        ]
        assert loss.item() == pytest.approx(labeled + 10 * mean(squares), rel=1e-5)


@both
def test_wrong_labels_are_found(kind):
    run, right = planted_run(max_epochs=10, learning_rate_factor=lambda epoch: 1.0)
    method = kind(kind.Params())
    method.fit(run)
    clean = run.labels == right
    trusted = method.clean_probability() > method.clean_threshold()
    assert 0.6 < clean.float().mean() < 0.8
    assert clean[trusted].float().mean() > 0.9
    assert trusted[clean].float().mean() > 0.8
    assert accuracy(method, run, right) > 0.9


@both
def test_heads_are_trained_on_frozen_features(kind):
    run = make_embedding_run()
    kind(kind.Params()).fit(run)
    assert run.epoch == 2


def test_an_epoch_of_mixmatch_is_as_long_as_one_of_cross_entropy():
    steps = []
    run = make_run(max_epochs=2, epoch_finished=lambda epoch: steps.append(run.steps))
    PESSemi(PESSemi.Params(warmup_epochs=1, refine_epochs=2)).fit(run)
    assert steps == [4, 2 * 4 + 3]
