"""Expected values by hand: with 2 degrees of freedom, p = 1 - t / sqrt(t² + 2)."""

import math
import random

import pytest
from statsmodels.stats.multitest import multipletests

from lnlbench.results.statistics import compare_with_best, holm, summarize


def p_two_degrees(t):
    return 1 - t / math.sqrt(t * t + 2)


def scores(*values):
    return dict(enumerate(values))


def test_summary_of_three_seeds():
    summary = summarize([0.3, 0.1, 0.2])
    assert summary.mean == pytest.approx(0.2)
    assert summary.std == pytest.approx(0.1)
    # 4.302653 is the 97.5 % point of t with 2 degrees of freedom.
    assert summary.low == pytest.approx(0.2 - 4.302653 * 0.1 / math.sqrt(3))
    assert summary.high == pytest.approx(0.2 + 4.302653 * 0.1 / math.sqrt(3))


def test_one_seed_has_no_spread():
    summary = summarize([0.5])
    assert (summary.n, summary.mean) == (1, 0.5)
    assert (summary.std, summary.low, summary.high) == (None, None, None)


def test_equal_scores_have_an_interval_of_no_width():
    summary = summarize([0.5, 0.5, 0.5])
    assert (summary.std, summary.low, summary.high) == (0.0, 0.5, 0.5)


def test_summary_does_not_depend_on_order():
    values = [0.1, 0.2, 0.3, 0.7, 0.123456789]
    assert summarize(values) == summarize(values[::-1])


def test_paired_test_by_hand():
    # Differences 0.1, 0.2, 0.3: t = 0.2 / (0.1 / sqrt(3)).
    [comparison] = compare_with_best(scores(0.5, 0.6, 0.7), [scores(0.4, 0.4, 0.4)])
    assert comparison.p_value == pytest.approx(p_two_degrees(0.2 / (0.1 / math.sqrt(3))))
    assert not comparison.distinguishable


def test_pairing_finds_what_the_spread_between_seeds_hides():
    best = scores(0.1, 0.5, 0.9)
    [comparison] = compare_with_best(best, [scores(0.09, 0.488, 0.889)])
    # Differences 0.010, 0.012, 0.011: mean 0.011, deviation 0.001.
    assert comparison.p_value == pytest.approx(p_two_degrees(11 * math.sqrt(3)))
    assert comparison.distinguishable


def test_holm_multiplies_the_smallest_p_by_the_number_of_rows():
    best = scores(0.5, 0.6, 0.7)
    near, far = scores(0.4, 0.4, 0.4), scores(0.1, 0.21, 0.29)
    [alone] = compare_with_best(best, [far])
    corrected_near, corrected_far = compare_with_best(best, [near, far])
    # far: differences 0.40, 0.39, 0.41: t = 40 sqrt(3).
    assert alone.p_value == pytest.approx(p_two_degrees(40 * math.sqrt(3)))
    assert corrected_far.p_value == pytest.approx(2 * p_two_degrees(40 * math.sqrt(3)))
    assert corrected_near.p_value == pytest.approx(p_two_degrees(2 * math.sqrt(3)))


def test_holm_agrees_with_statsmodels():
    draw = random.Random(0)
    for count in (1, 2, 3, 10, 40):
        # Some p values are equal, some exactly 0 or 1.
        p_values = [round(draw.random() ** 3, draw.randrange(4)) for _ in range(count)]
        expected = multipletests(p_values, method="holm")[1]
        assert holm(p_values) == pytest.approx(list(expected), abs=1e-12), p_values
    assert holm([]) == []


def test_rows_without_a_test_do_not_weigh_on_the_correction():
    best = scores(0.5, 0.6, 0.7)
    far = scores(0.1, 0.21, 0.29)
    untested, tested = compare_with_best(best, [scores(0.4), far])
    assert untested.p_value is None
    assert tested == compare_with_best(best, [far])[0]


@pytest.mark.parametrize(
    ("other", "common"),
    [({}, 0), ({0: 0.1}, 1), ({0: 0.1, 1: 0.2}, 2), ({7: 0.1, 8: 0.2, 9: 0.3}, 0)],
)
def test_fewer_than_three_common_seeds_make_no_claim(other, common):
    [comparison] = compare_with_best(scores(0.5, 0.6, 0.7), [other])
    assert comparison.p_value is None
    assert comparison.common_seeds == common
    assert f"{common} seed" in comparison.no_claim
    assert not comparison.distinguishable


def test_only_common_seeds_are_paired():
    best = {0: 0.5, 1: 0.6, 2: 0.7, 3: 0.0}
    other = {0: 0.4, 1: 0.4, 2: 0.4, 9: 1.0}
    [comparison] = compare_with_best(best, [other])
    assert comparison.common_seeds == 3
    assert comparison.p_value == pytest.approx(p_two_degrees(2 * math.sqrt(3)))


def test_identical_scores_are_not_distinguishable():
    best = scores(0.5, 0.6, 0.7)
    [comparison] = compare_with_best(best, [dict(best)])
    assert comparison.p_value == 1.0


def test_identical_differences_make_no_claim():
    # Without variance t is infinite, or whatever rounding makes of it.
    [comparison] = compare_with_best(scores(0.5, 0.6, 0.7), [scores(0.4, 0.5, 0.6)])
    assert comparison.p_value is None
    assert "no variance" in comparison.no_claim


def test_nothing_to_compare():
    assert compare_with_best(scores(0.5), []) == []
