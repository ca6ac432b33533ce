"""Scores of label-error detection, against counting by hand."""

import numpy as np
import pytest

from lnlbench.metrics.detection import detection_quality


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
    thirties = next(each for each in found["calibration"] if each["from"] == 0.3)
    assert thirties == {
        "from": 0.3,
        "samples": 2,
        "mean_suspicion": pytest.approx(0.325),
        "share_wrong": 0.5,
    }
    assert sum(each["samples"] for each in found["calibration"]) == 6


def test_without_a_wrong_label_some_scores_are_undefined():
    found = detection_quality(np.array([0.1, 0.2]), np.zeros(2, bool), np.zeros(2, bool))
    assert found["auroc"] is None
    assert found["flagged_f1"] is None
    assert found["flagged_precision"] is None
    assert found["true_noise_rate"] == 0
