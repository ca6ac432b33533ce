"""Diagnostics in a result file: they survive it, and what cannot be is refused."""

import json
import math

import pytest
from factories import DIAGNOSTICS, HISTOGRAM, make_document, make_result, merged
from pydantic import ValidationError

from lnlbench.results import Result
from lnlbench.results.store import result_bytes


def test_a_result_with_diagnostics_survives_its_file_and_one_without_keeps_its_bytes():
    result = make_result(diagnostics=DIAGNOSTICS)
    text = result_bytes(result).decode()
    assert Result.model_validate_json(text) == result
    assert list(json.loads(text)) == sorted(json.loads(text))
    assert any(line.strip() == '"clean": [5, 1, 0],' for line in text.splitlines())
    assert "diagnostics" not in result_bytes(make_result()).decode()


def test_what_looks_like_the_field_in_a_text_is_not_taken_for_it():
    note = '\n  "diagnostics": null'
    result = make_result(diagnostics=DIAGNOSTICS, data={"notes": [note]})
    assert Result.model_validate_json(result_bytes(result)).data.notes == [note]


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"reliability": {"count": [1]}}, "one count, confidence and accuracy"),
        ({"reliability": {"accuracy": [None, 1.5]}}, "less than or equal to 1"),
        ({"classes": {"given": [1]}}, "one value per class"),
        ({"classes": {"names": ["x" * 81, "y"]}}, "at most 80"),
        ({"label_confusion": {"given": [2]}}, "not among the classes"),
        ({"label_confusion": {"count": [3, 3]}}, "one true class"),
        ({"label_confusion": {"count": [-3]}}, "greater than or equal to 0"),
        ({"snapshots": DIAGNOSTICS["snapshots"] * 13}, "at most 12"),
        ({"surprise": 1}, "not permitted"),
    ],
)
def test_diagnostics_that_cannot_be_are_refused(changes, where):
    document = make_document(diagnostics=merged(DIAGNOSTICS, changes))
    with pytest.raises(ValidationError) as caught:
        Result.model_validate(document)
    assert any(where in error["msg"] for error in caught.value.errors()), caught.value


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"high": 0.0}, "cannot reach from 0.0 to 0.0"),
        ({"high": math.inf}, "finite"),
        ({"counts": {"clean": [1]}}, "same bins"),
        ({"counts": {"unsure": [1, 2, 3]}}, "'clean', 'wrong' or 'all'"),
        ({"counts": {"clean": [1] * 61}}, "at most 60"),
        ({"mixture": {"weights": [1.0], "means": [0.0], "variances": [0.0]}}, "greater than 0"),
        ({"mixture": {"weights": [1.0], "means": [0.0, 1.0], "variances": [1.0]}}, "as many"),
    ],
)
def test_histograms_that_cannot_be_are_refused(changes, where):
    snapshot = {"epoch": 0, "histograms": [merged(HISTOGRAM, changes)]}
    with pytest.raises(ValidationError) as caught:
        Result.model_validate(make_document(diagnostics={"snapshots": [snapshot]}))
    assert any(where in error["msg"] for error in caught.value.errors()), caught.value
