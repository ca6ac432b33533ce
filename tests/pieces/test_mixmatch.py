"""MixMatch's pieces against slow ones written from the equations, and their invariants."""

import numpy as np
import pytest
import slow_dividemix as slow
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lnlbench.pieces import mixmatch

SHAPES = [(1, 2), (7, 2), (5, 10), (4, 100)]
SEEDS = [0, 1, 2]

cases = pytest.mark.parametrize(
    ("shape", "seed"), [(shape, seed) for shape in SHAPES for seed in SEEDS]
)
invariant = settings(deadline=None, max_examples=50)
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


@pytest.mark.parametrize("size", [(6, 3, 4, 4), (9, 10), (1, 5)])
@pytest.mark.parametrize("share", [0.5, 0.731, 1.0])
def test_mix(size, share):
    generator = torch.Generator().manual_seed(5)
    values = torch.randn(size, generator=generator)
    permutation = torch.randperm(size[0], generator=generator)
    reference = slow.mix(values.numpy(), share, permutation.tolist())
    assert_close(mixmatch.mix(values, share, permutation), reference)


@pytest.mark.parametrize("name", ["labeled_loss", "unlabeled_loss"])
@cases
def test_losses_with_soft_labels(name, shape, seed):
    draws = Draws(shape, seed)
    logits, targets = draws.logits(), draws.probabilities()
    measured = getattr(mixmatch, name)(logits, targets)
    assert_close(measured, getattr(slow, name)(logits.numpy(), targets.numpy()))


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


@pytest.mark.parametrize(
    ("epoch", "iteration", "expected"),
    [(30, 0, 0.0), (30, 200, 0.5 / 16), (38, 0, 0.5), (46, 0, 1.0), (90, 399, 1.0)],
)
def test_the_ramp_by_hand(epoch, iteration, expected):
    assert slow.ramp(epoch, iteration, 400, 30, 16) == expected
    assert mixmatch.linear_rampup(epoch - 30 + iteration / 400, 16) == expected


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
@given(st.integers(0, 2**62), st.floats(0.05, 50))
def test_the_share_is_at_least_a_half_and_follows_the_generator(seed, alpha):
    shares = [mixmatch.mixup_share(alpha, torch.Generator().manual_seed(seed)) for _ in range(2)]
    assert 0.5 <= shares[0] <= 1
    assert shares[0] == shares[1]


def test_shares_are_the_larger_part_of_beta_draws():
    generator = torch.Generator().manual_seed(0)
    shares = [mixmatch.mixup_share(4.0, generator) for _ in range(2000)]
    drawn = np.random.default_rng(1).beta(4, 4, 200_000)
    expected = np.maximum(drawn, 1 - drawn)
    assert np.mean(shares) == pytest.approx(expected.mean(), abs=4 * expected.std() / 2000**0.5)
    assert np.std(shares) == pytest.approx(expected.std(), rel=0.1)


def test_drawing_a_share_leaves_the_global_streams_alone():
    numpy_state, torch_state = np.random.get_state(), torch.get_rng_state()
    mixmatch.mixup_share(4.0, torch.Generator().manual_seed(0))
    assert np.array_equal(numpy_state[1], np.random.get_state()[1])
    assert numpy_state[2] == np.random.get_state()[2]
    assert torch.equal(torch_state, torch.get_rng_state())


@invariant
@given(st.integers(1, 8), st.integers(0, 2**32))
def test_mixing_with_share_one_changes_nothing(size, seed):
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(size, 3, generator=generator)
    permutation = torch.randperm(size, generator=generator)
    assert torch.equal(mixmatch.mix(values, 1.0, permutation), values)


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


@invariant
@given(st.floats(-5, 100), st.floats(0, 100), st.floats(0.1, 50))
def test_the_ramp_rises_from_zero_to_one(position, further, length):
    here, there = (mixmatch.linear_rampup(p, length) for p in (position, position + further))
    assert 0 <= here <= there <= 1
    assert mixmatch.linear_rampup(0, length) == 0
    assert mixmatch.linear_rampup(length, length) == 1


def test_no_ramp_is_full_weight_from_the_start():
    assert mixmatch.linear_rampup(0, 0) == 1
