import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnlbench.noise import transition
from lnlbench.noise.transition import empirical_transition_matrix, sample_labels

CLASSES = st.integers(2, 30)
RATES = st.floats(0, 0.99)
MAKERS = {
    "symmetric": transition.symmetric,
    "symmetric_other": transition.symmetric_other,
    "pairflip": transition.pairflip,
    "mapped": lambda classes, rate: transition.mapped(classes, rate, {0: classes - 1}),
}


@pytest.mark.parametrize("name", MAKERS)
@given(CLASSES, RATES)
def test_rows_are_distributions(name, classes, rate):
    matrix = MAKERS[name](classes, rate)
    assert matrix.shape == (classes, classes)
    assert matrix.min() >= 0
    assert np.allclose(matrix.sum(axis=1), 1)


@pytest.mark.parametrize("name", MAKERS)
@given(CLASSES)
def test_rate_zero_is_the_identity(name, classes):
    assert np.array_equal(MAKERS[name](classes, 0), np.eye(classes))


@given(CLASSES, RATES)
def test_symmetric_noise_spares_its_share_of_the_true_class(classes, rate):
    wrong = 1 - np.diag(transition.symmetric(classes, rate))
    assert np.allclose(wrong, rate * (1 - 1 / classes))
    assert np.allclose(1 - np.diag(transition.symmetric_other(classes, rate)), rate)


def test_pairflip_goes_to_the_next_class():
    expected = [[0.6, 0.4, 0], [0, 0.6, 0.4], [0.4, 0, 0.6]]
    assert np.allclose(transition.pairflip(3, 0.4), expected)


def test_mapped_noise_leaves_other_classes_alone():
    expected = [[0.7, 0, 0.3], [0, 1, 0], [0, 0, 1]]
    assert np.allclose(transition.mapped(3, 0.3, {0: 2}), expected)


def test_the_cycle_stays_in_the_superclass():
    assert transition.next_in_superclass([0, 1, 0, 1, 0, 2]) == {0: 2, 2: 4, 4: 0, 1: 3, 3: 1, 5: 5}


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=40))
def test_the_empirical_matrix_counts(pairs):
    clean, noisy = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    matrix = empirical_transition_matrix(clean, noisy, 5)
    assert np.allclose(matrix.sum(axis=1), 1)
    for i in range(5):
        own = [n for c, n in pairs if c == i]
        expected = [own.count(j) / len(own) if own else float(i == j) for j in range(5)]
        assert np.allclose(matrix[i], expected)


def test_the_orientation_is_clean_to_noisy():
    matrix = empirical_transition_matrix([0, 0, 0, 1], [0, 1, 1, 1], 2)
    assert np.allclose(matrix, [[1 / 3, 2 / 3], [0, 1]])


@given(CLASSES, RATES, st.integers(0, 1000))
def test_sampled_labels_follow_the_matrix(classes, rate, seed):
    clean = np.repeat(np.arange(classes), 400)
    matrix = transition.symmetric_other(classes, rate)
    noisy = sample_labels(clean, matrix, np.random.default_rng(seed))
    assert noisy.dtype == np.int64
    assert noisy.min() >= 0 and noisy.max() < classes
    # 400 draws a row: a share's standard deviation is at most 0.025
    assert np.abs(empirical_transition_matrix(clean, noisy, classes) - matrix).max() < 0.16


def test_impossible_classes_are_never_drawn():
    matrix = np.array([[0, 0.5, 0, 0.5], [0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1.0]])
    clean = np.repeat(np.arange(4), 2000)
    noisy = sample_labels(clean, matrix, np.random.default_rng(0))
    assert (matrix[clean, noisy] > 0).all()


class Constant:
    """Draws one number always."""

    def __init__(self, value):
        self.value = value

    def random(self, count):
        return np.full(count, self.value)


def test_rounding_never_draws_a_class_that_does_not_exist():
    matrix = np.full((10, 10), 0.1)
    matrix[:, -1] -= 1e-12  # rows that fall short of 1 by rounding
    noisy = sample_labels(np.arange(10), matrix, Constant(np.nextafter(1, 0)))
    assert (noisy == 9).all()


def test_a_draw_of_zero_skips_impossible_classes():
    matrix = np.array([[0, 1, 0], [0, 0, 1], [0, 0.5, 0.5]])
    assert sample_labels(np.arange(3), matrix, Constant(0.0)).tolist() == [1, 2, 1]
