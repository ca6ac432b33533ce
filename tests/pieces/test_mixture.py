"""Clean probabilities from the mixture: against scikit-learn, Bayes' rule, and odd losses."""

import numpy as np
import pytest
import slow_dividemix as slow
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.mixture import GaussianMixture

from lnlbench.pieces.mixture import MixtureParams, divide, normalize_losses

AUTHORS = {"n_components": 2, "max_iter": 10, "tol": 1e-2, "reg_covar": 5e-4}
SEEDS = [0, 1, 2**63 - 1]
INFINITY = float("inf")
ANY_LOSS = st.floats(0, 1e6, width=32) | st.sampled_from([INFINITY, float("nan")])


def two_groups(seed, low=200, high=120):
    """Losses of two groups that overlap a little, in random order."""
    generator = np.random.default_rng(seed)
    losses = np.concatenate([generator.gamma(2, 0.3, low), generator.normal(5, 1, high)])
    return torch.from_numpy(generator.permutation(losses)).float()


def fitted(values, seed):
    mixture = GaussianMixture(**AUTHORS, random_state=seed % 2**32)
    mixture.fit(values.double().numpy().reshape(-1, 1))
    return mixture


@pytest.mark.parametrize("seed", SEEDS)
def test_it_is_scikit_learns_mixture_with_the_authors_settings(seed):
    losses = normalize_losses(two_groups(seed % 1000))
    mixture = fitted(losses, seed)
    expected = mixture.predict_proba(losses.double().numpy().reshape(-1, 1))
    division = divide(losses, seed)
    assert division.event is None
    assert division.clean_probability.dtype == torch.float32
    low = int(mixture.means_.argmin())
    assert np.array_equal(division.clean_probability.numpy(), expected[:, low].astype(np.float32))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_posterior_is_bayes_rule_on_the_fitted_parameters(seed):
    losses = normalize_losses(two_groups(seed % 1000))
    mixture = fitted(losses, seed)
    reference = slow.posterior(
        losses.double().tolist(),
        mixture.weights_,
        mixture.means_.ravel(),
        mixture.covariances_.ravel(),
    )
    measured = divide(losses, seed).clean_probability.double().numpy()
    assert np.linalg.norm(measured - reference) < 1e-5 * np.linalg.norm(reference)


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_it_is_expectation_maximization_from_two_means(seed):
    losses = normalize_losses(two_groups(seed))
    values = losses.double().tolist()
    parameters = slow.fit_mixture(values, slow.two_means(values), 10, 1e-2, 5e-4)
    reference = slow.posterior(values, *parameters)
    measured = divide(losses, seed).clean_probability.double().numpy()
    assert np.linalg.norm(measured - reference) < 1e-5 * np.linalg.norm(reference)


def mixture_params(max_iterations, tolerance, regularization):
    return MixtureParams(
        mixture_max_iterations=max_iterations,
        mixture_tolerance=tolerance,
        mixture_regularization=regularization,
    )


@pytest.mark.parametrize(
    "settings",
    [(1, 1e-2, 5e-4), (50, 1e-9, 5e-4), (10, 1e-2, 0.1)],
    ids=["iterations", "tolerance", "regularization"],
)
def test_parameters_reach_the_fit(settings):
    losses = normalize_losses(two_groups(0, low=300, high=30))
    values = losses.double().tolist()
    parameters = slow.fit_mixture(values, slow.two_means(values), *settings)
    reference = slow.posterior(values, *parameters)
    measured = divide(losses, 0, mixture_params(*settings)).clean_probability.double().numpy()
    assert np.linalg.norm(measured - reference) < 1e-5 * np.linalg.norm(reference)
    default = divide(losses, 0).clean_probability.double().numpy()
    assert np.linalg.norm(default - reference) > 1e-3 * np.linalg.norm(reference)


def test_equal_seeds_divide_equally_and_global_numpy_is_left_alone():
    losses = normalize_losses(two_groups(4))
    np.random.seed(7)
    before = np.random.get_state()
    first = divide(losses, 11).clean_probability
    np.random.seed(8)
    second = divide(losses, 11).clean_probability
    np.random.seed(7)
    divide(losses, 12)
    after = np.random.get_state()
    assert torch.equal(first, second)
    assert np.array_equal(before[1], after[1])
    assert before[2:] == after[2:]


def test_the_losses_are_left_as_they_were():
    losses = two_groups(5)
    before = losses.clone()
    divide(normalize_losses(losses), 0)
    assert torch.equal(losses, before)


@pytest.mark.parametrize("seed", SEEDS)
def test_normalizing_is_the_slow_one(seed):
    losses = two_groups(seed % 1000)
    reference = slow.normalize_losses(losses.double().tolist())
    measured = normalize_losses(losses).double().numpy()
    assert np.linalg.norm(measured - reference) < 1e-5 * np.linalg.norm(reference)


@settings(max_examples=50)
@given(
    st.lists(st.floats(0, 1e6, width=32) | st.sampled_from([INFINITY, float("nan")]), min_size=1)
)
def test_whatever_the_losses_normalized_ones_lie_in_zero_to_one_in_order(values):
    losses = torch.tensor(values)
    normalized = normalize_losses(losses)
    assert normalized.shape == losses.shape
    assert normalized.dtype == torch.float32
    assert ((normalized >= 0) & (normalized <= 1)).all()
    order = losses.nan_to_num(nan=INFINITY).argsort()
    assert (normalized[order].diff() >= 0).all()


@settings(max_examples=25)
@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=30), st.integers(0, 2**63 - 1))
def test_whatever_the_losses_a_division_is_a_probability_for_each(values, seed):
    division = divide(torch.tensor(values), seed)
    belief = division.clean_probability
    assert belief.shape == (len(values),)
    assert ((belief >= 0) & (belief <= 1)).all()


@pytest.mark.parametrize("bad", [float("nan"), INFINITY])
def test_losses_that_are_not_finite_count_as_the_largest_finite_one(bad):
    losses = two_groups(6)
    spoiled = losses.clone()
    spoiled[[3, 70]] = bad
    largest = losses.clone()
    largest[[3, 70]] = spoiled[torch.isfinite(spoiled)].max()
    assert torch.equal(normalize_losses(spoiled), normalize_losses(largest))
    belief = divide(normalize_losses(spoiled), 0).clean_probability
    assert (belief[[3, 70]] < 0.5).all()


@pytest.mark.parametrize(
    "losses",
    [
        torch.full((50,), 2.3),
        torch.zeros(50),
        torch.full((50,), float("nan")),
        torch.full((50,), INFINITY),
        torch.tensor([1.0, float("nan"), INFINITY]),
        torch.tensor([0.7]),
    ],
    ids=["equal", "zero", "nan", "infinite", "one finite", "single sample"],
)
def test_constant_losses_divide_nothing_and_say_so(losses):
    normalized = normalize_losses(losses)
    assert torch.equal(normalized, torch.zeros(len(losses)))
    division = divide(normalized, 0)
    assert torch.equal(division.clean_probability, torch.ones(len(losses)))
    assert "constant losses" in division.event


@pytest.mark.parametrize("counts", [(1, 1), (30, 1), (1, 30), (25, 25)])
def test_two_values_are_two_components(counts):
    low, high = counts
    losses = torch.cat([torch.zeros(low), torch.ones(high)])
    division = divide(losses, 0)
    assert division.event is None
    assert (division.clean_probability[:low] > 0.99).all()
    assert (division.clean_probability[low:] < 0.01).all()


def test_a_collapsed_mixture_divides_nothing_and_says_so():
    # Variances far above the spread of the losses: both components take all samples equally.
    division = divide(normalize_losses(two_groups(7)), 0, MixtureParams(mixture_regularization=1e8))
    assert torch.equal(division.clean_probability, torch.ones(320))
    assert "collapsed mixture" in division.event


def test_a_fit_with_hardly_any_regularization_is_defined_for_two_values():
    losses = torch.cat([torch.zeros(10), torch.ones(10)])
    division = divide(losses, 0, MixtureParams(mixture_regularization=1e-12))
    assert division.clean_probability.tolist() == [1.0] * 10 + [0.0] * 10
