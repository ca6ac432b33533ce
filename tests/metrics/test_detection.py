"""Scores of label-error detection, against counting by hand."""

import numpy as np
import pytest

from lnlbench.metrics.detection import detection_quality, suspicion_calibration


def test_scores_are_those_of_counting():
    suspicion = np.array([0.9, 0.8, 0.7, 0.35, 0.3, 0.1])
    wrong = np.array([True, False, True, True, False, False])
    found = detection_quality(suspicion, suspicion > 0.5, wrong)
    # Of nine pairs of a wrong and a right label, seven are in order.
    assert found["auroc"] == pytest.approx(7 / 9)
    assert found["average_precision"] == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)
    assert found["precision_at_true_number"] == pytest.approx(2 / 3)
    assert found["precision_at_100"] == pytest.approx(1 / 2)
    assert found["flagged_precision"] == found["flagged_recall"] == pytest.approx(2 / 3)
    assert found["flagged_f1"] == pytest.approx(2 / 3)
    assert found["true_noise_rate"] == 0.5
    assert found["flagged_share"] == 0.5
    bins = suspicion_calibration(suspicion, wrong)
    thirties = next(each for each in bins if each["from"] == 0.3)
    assert thirties == {
        "from": 0.3,
        "samples": 2,
        "mean_suspicion": pytest.approx(0.325),
        "share_wrong": 0.5,
    }
    assert sum(each["samples"] for each in bins) == 6


def test_without_a_wrong_label_some_scores_are_undefined():
    found = detection_quality(np.array([0.1, 0.2]), np.zeros(2, bool), np.zeros(2, bool))
    assert found["auroc"] is None
    assert found["flagged_f1"] is None
    assert found["flagged_precision"] is None
    assert found["true_noise_rate"] == 0


def test_equal_doubts_count_as_a_random_order_does_on_average():
    doubt = np.array([0.0, 1.0, 1.0, 1.0, 1.0, 2.0])
    wrong = np.array([False, True, False, False, True, True])
    found = detection_quality(doubt, doubt > 1, wrong)
    # The first three are the last sample and two of the four that tie, half of which are wrong.
    assert found["precision_at_true_number"] == pytest.approx((1 + 2 * 0.5) / 3)


def test_a_doubt_that_is_not_a_number_comes_first_and_infinities_are_compared():
    doubt = np.array([np.nan, np.inf, 3.0, -np.inf])
    wrong = np.array([True, True, False, False])
    assert detection_quality(doubt, wrong, wrong)["auroc"] == 1
    assert detection_quality(doubt[::-1], wrong, ~wrong[::-1])["auroc"] == 0
