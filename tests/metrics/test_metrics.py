"""Metrics against slow independent versions and hand-computed cases."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lnlbench.metrics.accuracy import accuracy
from lnlbench.metrics.calibration import (
    TEST_SCORES,
    brier_score,
    expected_calibration_error,
    negative_log_likelihood,
)
from lnlbench.metrics.label_selection import selection_quality
from lnlbench.metrics.memorization import memorization
from lnlbench.metrics.scored_epochs import last_epochs, reported_accuracies
from lnlbench.results.scores import SCORES, Section


def test_accuracy_counts_the_largest_logit():
    logits = torch.tensor([[1.0, 2.0], [5.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    assert accuracy(logits, torch.tensor([1, 0, 0, 1])) == 0.75


@pytest.mark.parametrize(
    ("epochs", "last"), [(1, 1), (9, 1), (15, 1), (20, 2), (60, 6), (99, 9), (100, 10), (300, 10)]
)
def test_last10_is_a_tenth_of_a_short_run(epochs, last):
    assert last_epochs(epochs) == last


def test_reported_accuracies_of_a_run():
    test = [0.1] * 17 + [0.9, 0.5, 0.7]
    validation = [0.0] * 3 + [0.6] + [0.2] * 16
    assert reported_accuracies(test, validation) == pytest.approx(
        {
            "test_accuracy_last10": 0.6,
            "test_accuracy_last": 0.7,
            "test_accuracy_best": 0.9,
            "test_accuracy_selected": 0.1,
        }
    )
    assert reported_accuracies(test, None)["test_accuracy_selected"] is None


def test_of_equally_good_validation_epochs_the_first_is_selected():
    assert reported_accuracies([0.1, 0.2, 0.3], [0.5, 0.5, 0.4])["test_accuracy_selected"] == 0.1


@given(st.integers(0, 10_000))
def test_selection_quality_against_counting(seed):
    generator = torch.Generator().manual_seed(seed)
    belief = torch.rand(30, generator=generator).mul(8).round().div(8)
    clean = torch.rand(30, generator=generator) < 0.6
    found = selection_quality(belief, clean, 0.5)
    selected = [b > 0.5 for b in belief.tolist()]
    hits = sum(s and c for s, c in zip(selected, clean.tolist(), strict=True))
    precision = hits / sum(selected) if any(selected) else None
    recall = hits / int(clean.sum()) if clean.any() else None
    assert found["label_precision"] == pytest.approx(precision)
    assert found["label_recall"] == pytest.approx(recall)
    pairs = [
        (b > w) + 0.5 * (b == w) for b in belief[clean].tolist() for w in belief[~clean].tolist()
    ]
    auroc = sum(pairs) / len(pairs) if pairs else None
    assert found["clean_auroc"] == pytest.approx(auroc)


def test_what_is_not_defined_is_none():
    everything_clean = torch.ones(4, dtype=torch.bool)
    found = selection_quality(torch.zeros(4), everything_clean, 0.5)
    assert found["clean_auroc"] is None
    assert found["label_precision"] is None
    assert found["label_recall"] == 0


@given(st.integers(0, 10_000))
def test_calibration_against_a_slow_version(seed):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(40, 5, generator=generator)
    labels = torch.randint(5, (40,), generator=generator)
    bins = {}
    nll = brier = 0.0
    for row, label in zip(logits.double().tolist(), labels.tolist(), strict=True):
        total = sum(math.exp(value) for value in row)
        probabilities = [math.exp(value) / total for value in row]
        nll -= math.log(probabilities[label]) / 40
        brier += sum((p - (c == label)) ** 2 for c, p in enumerate(probabilities)) / 40
        confidence = max(probabilities)
        correct = probabilities.index(confidence) == label
        bins.setdefault(math.ceil(confidence * 15), []).append(correct - confidence)
    expected = sum(abs(sum(gaps)) for gaps in bins.values()) / 40
    assert expected_calibration_error(logits, labels) == pytest.approx(expected, abs=1e-9)
    assert negative_log_likelihood(logits, labels) == pytest.approx(nll)
    assert brier_score(logits, labels) == pytest.approx(brier)


def test_the_brier_score_reaches_from_0_to_2():
    sure = torch.tensor([[900.0, 0.0, -900.0]])
    assert brier_score(sure, torch.tensor([0])) == 0
    assert brier_score(sure, torch.tensor([1])) == 2
    assert brier_score(torch.zeros(7, 4), torch.zeros(7, dtype=torch.long)) == 0.75


def test_every_score_of_calibration_is_measured_under_its_name():
    listed = {score.name for score in SCORES if score.shown.section is Section.CALIBRATION}
    assert set(TEST_SCORES) == listed


def test_memorization_looks_at_wrong_labels_alone():
    noisy, clean = torch.tensor([0, 1, 2, 3]), torch.tensor([0, 1, 0, 0])
    assert memorization(torch.tensor([1, 1, 2, 0]), noisy, clean) == 0.5
    assert memorization(clean, clean, clean) is None
