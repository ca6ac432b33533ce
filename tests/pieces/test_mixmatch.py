"""MixMatch's pieces against slow ones written from the equations, and their invariants."""

import numpy as np
import pytest
import slow_dividemix as slow
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lnlbench.pieces import mixmatch

SHAPES = [(1, 2), (7, 2), (5, 10), (4, 100)]
SEEDS = [0, 1, 2]

cases = pytest.mark.parametrize(
    ("shape", "seed"), [(shape, seed) for shape in SHAPES for seed in SEEDS]
)
invariant = settings(max_examples=50)
logit_rows = st.integers(2, 12).flatmap(
    lambda classes: st.lists(
        st.lists(st.floats(-8, 8, width=32), min_size=classes, max_size=classes),
        min_size=1,
        max_size=6,
    )
)


def assert_close(measured, reference):
    measured = np.asarray(measured, dtype=np.float64)
    reference = np.asarray(reference, dtype=np.float64)
    assert measured.shape == reference.shape
    assert np.linalg.norm(measured - reference) < 1e-5 * np.linalg.norm(reference)


class Draws:
    """Float32 inputs of one case."""

    def __init__(self, shape, seed):
        self.shape = shape
        self.generator = torch.Generator().manual_seed(seed)

    def logits(self):
        return 3 * torch.randn(self.shape, generator=self.generator)

    def probabilities(self):
        return torch.softmax(self.logits(), 1)

    def labels(self):
        return torch.randint(self.shape[1], (self.shape[0],), generator=self.generator)

    def clean_probability(self):
        return torch.rand(self.shape[0], generator=self.generator)


@pytest.mark.parametrize("temperature", [0.25, 0.5, 1.0, 2.0])
@cases
def test_sharpen(shape, seed, temperature):
    probabilities = Draws(shape, seed).probabilities()
    measured = mixmatch.sharpen(probabilities, temperature)
    assert_close(measured, slow.sharpen(probabilities.numpy(), temperature))


@cases
def test_co_refine(shape, seed):
    draws = Draws(shape, seed)
    labels, weight = draws.labels(), draws.clean_probability()
    views = [draws.logits(), draws.logits()]
    predicted = torch.stack([torch.softmax(view, 1) for view in views]).mean(0)
    measured = mixmatch.co_refine(labels, weight, predicted, 0.5)
    assert_close(measured, slow.co_refine(labels, weight, [view.numpy() for view in views], 0.5))


@cases
def test_co_refine_accepts_beliefs_of_another_precision(shape, seed):
    draws = Draws(shape, seed)
    labels, weight, predicted = draws.labels(), draws.clean_probability(), draws.probabilities()
    measured = mixmatch.co_refine(labels, weight.double(), predicted, 0.5)
    assert measured.dtype == torch.float32
    assert_close(measured, mixmatch.co_refine(labels, weight, predicted, 0.5))


@cases
def test_co_guess(shape, seed):
    draws = Draws(shape, seed)
    views, peer_views = [[draws.logits(), draws.logits()] for _ in range(2)]
    own, peers = (
        torch.stack([torch.softmax(view, 1) for view in part]).mean(0)
        for part in (views, peer_views)
    )
    reference = slow.co_guess([v.numpy() for v in views], [v.numpy() for v in peer_views], 0.5)
    assert_close(mixmatch.co_guess(own, peers, 0.5), reference)


@cases
def test_the_unlabeled_loss(shape, seed):
    draws = Draws(shape, seed)
    logits, targets = draws.logits(), draws.probabilities()
    measured = mixmatch.unlabeled_loss(logits, targets)
    assert_close(measured, slow.unlabeled_loss(logits.numpy(), targets.numpy()))


@pytest.mark.parametrize("name", ["prior_penalty", "confidence_penalty"])
@cases
def test_penalties(name, shape, seed):
    logits = Draws(shape, seed).logits()
    assert_close(getattr(mixmatch, name)(logits), getattr(slow, name)(logits.numpy()))


def test_the_unlabeled_loss_is_averaged_over_classes_too():
    logits, targets = torch.zeros(3, 100), torch.zeros(3, 100)
    targets[:, 0] = 1
    per_sample = 0.99**2 + 99 * 0.01**2
    assert_close(mixmatch.unlabeled_loss(logits, targets), per_sample / 100)


@invariant
@given(logit_rows, st.floats(0.2, 5))
def test_sharpened_rows_are_distributions_in_the_order_of_the_given_ones(logits, temperature):
    probabilities = torch.softmax(torch.tensor(logits), 1)
    sharpened = mixmatch.sharpen(probabilities, temperature)
    assert torch.allclose(sharpened.sum(1), torch.ones(len(logits)), atol=1e-5)
    assert (sharpened >= 0).all()
    ranked = sharpened.gather(1, probabilities.argsort(1))
    assert (ranked.diff(dim=1) > -1e-6).all()


@invariant
@given(logit_rows)
def test_temperature_one_changes_nothing(logits):
    probabilities = torch.softmax(torch.tensor(logits), 1)
    assert_close(mixmatch.sharpen(probabilities, 1.0), probabilities)


@invariant
@given(logit_rows)
def test_a_low_temperature_raises_the_largest_probability(logits):
    probabilities = torch.softmax(torch.tensor(logits), 1)
    largest = mixmatch.sharpen(probabilities, 0.5).amax(1)
    assert (largest >= probabilities.amax(1) - 1e-6).all()


@pytest.mark.parametrize("temperature", [0.2, 0.1])
def test_sharpening_at_any_allowed_temperature_gives_distributions(temperature):
    probabilities = torch.full((2, 100), 0.01)
    assert_close(mixmatch.sharpen(probabilities, temperature), probabilities)


@invariant
@given(logit_rows)
def test_the_prior_penalty_is_zero_exactly_for_uniform_mean_predictions(logits):
    logits = torch.tensor(logits)
    # Each row in all its cyclic shifts: every class is predicted equally often.
    shifted = torch.cat([logits.roll(shift, 1) for shift in range(logits.shape[1])])
    assert mixmatch.prior_penalty(shifted).abs() < 1e-5
    assert mixmatch.prior_penalty(logits) > -1e-6
    mean = torch.softmax(logits, 1).mean(0)
    if (mean - 1 / len(mean)).abs().max() > 0.01:
        assert mixmatch.prior_penalty(logits) > 0


@invariant
@given(logit_rows)
def test_the_confidence_penalty_is_smallest_for_uniform_predictions(logits):
    logits = torch.tensor(logits)
    lowest = mixmatch.confidence_penalty(torch.zeros_like(logits))
    assert lowest.item() == pytest.approx(-np.log(logits.shape[1]), rel=1e-5)
    assert lowest - 1e-5 <= mixmatch.confidence_penalty(logits) <= 1e-6


def test_the_mixed_loss_adds_its_three_parts():
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(6, 3, generator=generator)
    targets = torch.randn(6, 3, generator=generator).softmax(1)
    partners = torch.tensor([3, 0, 5, 1, 2, 4])
    measured = mixmatch.mixed_loss(nn.Identity(), logits, targets, 2, 0.7, partners, 10.0, 0.5)
    mixed = [slow.mix(each.numpy(), 0.7, partners) for each in (logits, targets)]
    reference = (
        slow.labeled_loss(mixed[0][:2], mixed[1][:2])
        + 10 * slow.unlabeled_loss(mixed[0][2:], mixed[1][2:])
        + 0.5 * slow.prior_penalty(mixed[0])
    )
    assert measured.item() == pytest.approx(reference, rel=1e-5)
