"""Ramps against slow versions and by hand."""

import math

import pytest
import slow_dividemix as slow
from hypothesis import given, settings
from hypothesis import strategies as st

from lnlbench.pieces.ramps import linear_rampup, sigmoid_rampup


@pytest.mark.parametrize(
    ("epoch", "iteration", "expected"),
    [(30, 0, 0.0), (30, 200, 0.5 / 16), (38, 0, 0.5), (46, 0, 1.0), (90, 399, 1.0)],
)
def test_the_ramp_by_hand(epoch, iteration, expected):
    assert slow.ramp(epoch, iteration, 400, 30, 16) == expected
    assert linear_rampup(epoch - 30 + iteration / 400, 16) == expected


@settings(max_examples=50)
@given(st.floats(-5, 100), st.floats(0, 100), st.floats(0.1, 50))
def test_the_ramp_rises_from_zero_to_one(position, further, length):
    here, there = (linear_rampup(p, length) for p in (position, position + further))
    assert here == pytest.approx(sorted((0, position / length, 1))[1])
    assert here <= there
    assert linear_rampup(0, length) == 0
    assert linear_rampup(length, length) == 1


def test_no_ramp_is_full_weight_from_the_start():
    assert linear_rampup(0, 0) == 1


@settings(max_examples=50)
@given(st.floats(-1, 2), st.floats(0, 1))
def test_the_sigmoid_ramp(position, length):
    x = min(max(position / length, 0), 1) if length else 1
    assert sigmoid_rampup(position, length) == pytest.approx(math.exp(-5 * (1 - x) ** 2))
    assert sigmoid_rampup(position, length) <= sigmoid_rampup(position + 0.1, length)


def test_the_sigmoid_ramp_by_hand():
    assert sigmoid_rampup(0, 10) == pytest.approx(0.00673795, rel=1e-5)
    assert sigmoid_rampup(5, 10) == pytest.approx(0.28650480, rel=1e-5)
    assert sigmoid_rampup(10, 10) == 1
    assert sigmoid_rampup(0, 0) == 1
