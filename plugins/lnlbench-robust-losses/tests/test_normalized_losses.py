"""Active-passive, active-negative and Jensen-Shannon losses against slow versions, in float64."""

import math

import pytest
import slow_losses as slow
import torch
from lnlbench_robust_losses.active_passive import (
    NormalizedAbsolute,
    NormalizedReverse,
    normalized_cross_entropy,
)
from lnlbench_robust_losses.anl_ce import (
    ActiveNegative,
    absolute_weights,
    negative_normalized_cross_entropy,
)
from lnlbench_robust_losses.gjs import GeneralizedJensenShannon, generalized_jensen_shannon
from torch import nn
from torch.nn.functional import cross_entropy

from lnlbench import Batch
from lnlbench.errors import UsageError
from lnlbench.testing.small_runs import make_embedding_run, make_run

CLASSES = 5
exactly = {"rel": 1e-10, "abs": 1e-10}


def draw(samples=12, classes=CLASSES, seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(samples, classes, generator=generator, dtype=torch.float64)
    return logits, torch.randint(classes, (samples,), generator=generator)


def rows(logits, labels):
    return [(row, int(label)) for row, label in zip(logits.tolist(), labels, strict=True)]


def loss_of(method, logits, labels, network=None, **params):
    """A method's loss of the logits that its network gives for `logits`."""
    batch = Batch(index=torch.arange(len(labels)), views=[logits], labels=labels)
    return method(method.Params(**params)).loss(network or nn.Identity(), batch, 0).item()


def test_normalized_cross_entropy_is_a_share():
    logits, labels = draw()
    expected = [slow.normalized_cross_entropy(row, y) for row, y in rows(logits, labels)]
    assert normalized_cross_entropy(logits, labels).tolist() == pytest.approx(expected, **exactly)
    shares = [normalized_cross_entropy(logits, torch.full_like(labels, k)) for k in range(CLASSES)]
    assert torch.stack(shares).sum(0).tolist() == pytest.approx([1.0] * 12, **exactly)


@pytest.mark.parametrize(
    ("method", "passive"),
    [
        (NormalizedReverse, lambda row, y: slow.reverse_cross_entropy(row, y, 1e-4)),
        (NormalizedAbsolute, lambda row, y: slow.absolute_error(row, y) / 2),
    ],
)
@pytest.mark.parametrize("recipe", ["matched", "cifar10"])
def test_active_and_passive_losses_have_the_authors_weights(method, passive, recipe):
    logits, labels = draw()
    params = method.recipes[recipe].params if recipe == "cifar10" else {}
    alpha = 1 if recipe == "cifar10" else 10
    beta = 0.1 if recipe == "matched" and method is NormalizedReverse else 1
    expected = slow.mean(
        alpha * slow.normalized_cross_entropy(row, y) + beta * passive(row, y)
        for row, y in rows(logits, labels)
    )
    assert loss_of(method, logits, labels, **params) == pytest.approx(expected, **exactly)


@pytest.mark.parametrize("floor", [1e-7, 1e-2])
def test_the_negative_loss(floor):
    logits, labels = draw()
    expected = [slow.negative_normalized(row, y, floor) for row, y in rows(logits, labels)]
    measured = negative_normalized_cross_entropy(logits, labels, floor)
    assert measured.tolist() == pytest.approx(expected, **exactly)


@pytest.mark.parametrize(
    ("recipe", "weights"), [("cifar10", (5, 5, 5e-5)), ("matched", (10, 1, 5e-7))]
)
def test_active_negative_loss_has_the_authors_weights_and_counts_every_parameter(recipe, weights):
    classes = 10
    params = ActiveNegative.recipes[recipe].params if recipe == "cifar10" else {}
    logits, labels = draw(classes=classes)
    network = nn.Sequential(nn.Linear(classes, classes), nn.BatchNorm1d(classes)).double().eval()
    parameters = [value for each in network.parameters() for value in each.flatten().tolist()]
    absolute = sum(abs(value) for value in parameters)
    assert len(parameters) == classes * classes + 3 * classes
    assert absolute_weights(network).item() == pytest.approx(absolute, **exactly)
    alpha, beta, delta = weights
    expected = delta * absolute + slow.mean(
        alpha * slow.normalized_cross_entropy(row, y)
        + beta * slow.negative_normalized(row, y, 1e-7)
        for row, y in rows(network(logits).detach(), labels)
    )
    measured = loss_of(ActiveNegative, logits, labels, network, **params)
    assert measured == pytest.approx(expected, **exactly)


@pytest.mark.parametrize("label_weight", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("views", [1, 2, 3])
def test_the_jensen_shannon_loss(label_weight, views):
    labels = draw()[1]
    logits = [draw(seed=seed)[0] for seed in range(views)]
    expected = [
        slow.jensen_shannon([each[i].tolist() for each in logits], int(y), label_weight)
        for i, y in enumerate(labels)
    ]
    measured = generalized_jensen_shannon(logits, labels, label_weight)
    assert measured.tolist() == pytest.approx(expected, **exactly)


def test_the_jensen_shannon_loss_is_cross_entropy_in_the_limit():
    logits, labels = draw()
    measured = generalized_jensen_shannon([logits], labels, 1e-6)
    expected = cross_entropy(logits, labels, reduction="none")
    assert measured.tolist() == pytest.approx(expected.tolist(), rel=1e-3, abs=1e-4)


def test_the_jensen_shannon_loss_of_impossible_predictions_has_finite_gradients():
    logits = torch.tensor([[800.0, 0.0, -800.0]], requires_grad=True)
    generalized_jensen_shannon([logits, -logits], torch.tensor([1]), 0.5).sum().backward()
    assert logits.grad.isfinite().all()


def test_gjs_passes_each_view_on_its_own():
    seen = []

    class Watched(nn.Linear):
        def __init__(self):
            super().__init__(3072, 4)

        def forward(self, images):
            seen.append(images)
            return super().forward(images.flatten(1))

    run = make_run(samples=16, batch_size=16, max_epochs=1, network=Watched)
    GeneralizedJensenShannon(GeneralizedJensenShannon.Params(views=3)).fit(run)
    assert len(seen) == 3
    assert not torch.equal(seen[0], seen[1])


def test_gjs_refuses_strong_views_where_there_are_none():
    method = GeneralizedJensenShannon(GeneralizedJensenShannon.Params(augmentation="strong"))
    assert method.augmentations() == ("randaugment:1:3",)
    with pytest.raises(UsageError):
        method.fit(make_embedding_run())


@pytest.mark.parametrize("method", [NormalizedReverse, NormalizedAbsolute, ActiveNegative])
@pytest.mark.parametrize("limit", [1e-3, 1e6])
def test_gradients_are_cut_down(method, limit):
    lengths = []

    class Kept(torch.optim.SGD):
        def step(self, *arguments, **settings):
            gradients = [each.grad.norm() for each in self.param_groups[0]["params"]]
            lengths.append(torch.stack(gradients).norm().item())
            return super().step(*arguments, **settings)

    run = make_run(
        max_epochs=1,
        network=lambda: nn.Sequential(nn.Flatten(), nn.Linear(3072, 4)),
        build_optimizer=lambda network: Kept(network.parameters(), lr=0.01),
    )
    method(method.Params(max_gradient_norm=limit)).fit(run)
    if limit < 1:
        assert lengths == pytest.approx([limit] * len(lengths), rel=1e-4)
    else:
        assert math.inf > max(lengths) > 1e-2
