"""Cells of CSV files: never a formula, and always the same text when read again."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnlbench.system.cells import guarded, unguarded


@given(st.text(alphabet="'=+-@\t\r19.ab,\"\n"))
def test_a_cell_is_read_as_it_was_written(text):
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerow([guarded(text), "end"])
    [[cell, _]] = csv.reader(io.StringIO(buffer.getvalue(), newline=""))
    assert unguarded(cell) == text


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-cmd", "@x", "\t=1", "\r=1", "'=1"])
def test_formulas_begin_with_an_apostrophe(text):
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-1", "+1", "-2.5", "cat", "'s", "a=b"])
def test_numbers_and_names_stay_as_they_are(text):
    assert guarded(text) == text
