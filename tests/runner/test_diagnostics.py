"""What a run records of itself: right and small, and no number changes because of it."""

import itertools
import math
from dataclasses import replace

import pytest
import slow_diagnostics as slow
import torch
from factories import make_result
from hypothesis import given
from hypothesis import strategies as st
from tiny import comparable, run_short

import lnlbench
from lnlbench.data.digits import load_digits_dataset
from lnlbench.errors import RunError
from lnlbench.metrics.calibration import expected_calibration_error, reliability
from lnlbench.metrics.histogram import counts_by_truth, histogram
from lnlbench.metrics.per_class import frequent_mistakes, share_by_class
from lnlbench.results.store import result_bytes
from lnlbench.runner.diagnosis import Diagnosis, looks_at
from lnlbench.runner.evaluation import Evaluation
from lnlbench.runner.split import LabeledImages, Split, evaluation_sample


def evaluation(samples=40, classes=10, seed=0, **changes):
    generator = torch.Generator().manual_seed(seed)
    logits = 4 * torch.randn(samples, classes, generator=generator)
    belief = torch.rand(samples, generator=generator)
    found = Evaluation({}, logits, logits.roll(1, 0), belief, 0.5, None)
    return replace(found, **changes)


def diagnosis(samples=40, classes=10, seed=0, truth_known=True):
    generator = torch.Generator().manual_seed(seed + 1)
    given, true, test = torch.randint(classes, (3, samples), generator=generator)
    empty = torch.zeros(samples, 1, 1, 1, dtype=torch.uint8)
    parts = [LabeledImages(empty, labels, torch.arange(samples)) for labels in (given, test)]
    dataset = replace(load_digits_dataset(), classes=tuple(f"c{i}" for i in range(classes)))
    return Diagnosis(dataset, Split(parts[0], true, None, parts[1], truth_known)), given, true, test


@given(st.lists(st.floats(-2, 5, width=32) | st.just(math.nan) | st.just(math.inf), max_size=30))
def test_histograms_against_counting(values):
    found = histogram(torch.tensor(values), 0.0, 4.0, 8)
    assert found == slow.histogram(values, 0.0, 4.0, 8)
    assert sum(found) == len(values)


def test_clean_and_wrong_labels_are_counted_apart_and_not_at_all_without_a_truth():
    values, clean = torch.tensor([0.1, 0.6, 0.9]), torch.tensor([True, False, False])
    assert counts_by_truth(values, clean, 0, 1, 2) == {"clean": [1, 0], "wrong": [0, 2]}
    assert counts_by_truth(values, None, 0, 1, 2) == {"all": [1, 2]}


@given(st.integers(0, 10_000), st.integers(2, 6))
def test_classes_against_counting(seed, classes):
    generator = torch.Generator().manual_seed(seed)
    true, given_ = torch.randint(classes, (2, 50), generator=generator)
    arguments = (true.tolist(), given_.tolist(), classes)
    for per_class in (1, 2, classes):
        found = frequent_mistakes(true, given_, classes, per_class)
        assert found == slow.mistakes(*arguments, per_class)
    hits = true == given_
    # A class without samples has no share.
    labels = true.clamp(max=classes - 2)
    assert share_by_class(hits, labels, classes) == slow.share_by_class(
        hits.tolist(), labels.tolist(), classes
    )


@given(st.integers(0, 10_000))
def test_reliability_adds_up_to_the_calibration_error(seed):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(60, 5, generator=generator)
    labels = torch.randint(5, (60,), generator=generator)
    bins = reliability(logits, labels)
    assert sum(count for count, _, _ in bins) == 60
    gaps = [count * abs(mine - right) for count, mine, right in bins if count]
    assert sum(gaps) / 60 == pytest.approx(expected_calibration_error(logits, labels))
    for position, (count, confidence, _) in enumerate(bins):
        assert not count or position / 15 <= confidence <= (position + 1) / 15


@given(st.integers(1, 400))
def test_a_run_is_looked_at_a_few_times_first_and_last_among_them(epochs):
    looks = [epoch for epoch in range(epochs) if looks_at(epoch, epochs)]
    assert {0, epochs - 1} <= set(looks)
    assert len(looks) == min(epochs, 11)
    gaps = [b - a for a, b in itertools.pairwise(looks)]
    assert max(gaps, default=0) - min(gaps, default=0) <= 1


@pytest.mark.parametrize("truth_known", [True, False])
def test_a_snapshot_counts_the_losses_of_clean_and_wrong_labels(truth_known):
    watcher, given_, true, _ = diagnosis(truth_known=truth_known)
    seen = evaluation()
    loss, belief = watcher.snapshot(3, seen)["histograms"]
    high = 3 * math.log(10)
    values = slow.losses(seen.sample_logits.tolist(), given_.tolist())
    clean = (given_ == true).tolist()
    wanted = {"all": values}
    if truth_known:
        pairs = list(zip(values, clean, strict=True))
        wanted = {"clean": [v for v, c in pairs if c], "wrong": [v for v, c in pairs if not c]}
    assert (loss["of"], loss["low"], loss["high"]) == ("loss", 0.0, pytest.approx(high, abs=1e-3))
    counts = {name: slow.histogram(part, 0, loss["high"], 30) for name, part in wanted.items()}
    assert loss["counts"] == counts
    assert (belief["of"], belief["threshold"]) == ("clean probability", 0.5)
    assert sum(map(sum, belief["counts"].values())) == 40


def test_losses_of_a_sample_of_the_training_set_are_told_apart_by_their_own_labels(monkeypatch):
    monkeypatch.setattr("lnlbench.runner.split.TRAINING_SAMPLE", 15)
    watcher, given_, true, _ = diagnosis()
    seen = evaluation()
    sample = evaluation_sample(40)
    seen = replace(seen, sample_logits=seen.sample_logits[sample])
    loss, belief = watcher.snapshot(0, seen)["histograms"]
    wrong = (given_ != true)[sample]
    assert [sum(loss["counts"][name]) for name in ("clean", "wrong")] == [
        int((~wrong).sum()),
        int(wrong.sum()),
    ]
    assert sum(map(sum, belief["counts"].values())) == 40


def test_what_a_method_divides_by_is_shown_with_its_mixture():
    watcher, *_ = diagnosis()
    mixture = lnlbench.Mixture((0.25, 0.75), (0.1, 0.9), (0.01, 0.02))
    values = torch.linspace(-1, 2, 40)
    criterion = lnlbench.Criterion("loss ratio", values, threshold=1 / 3, mixture=mixture)
    found = watcher.snapshot(0, evaluation(belief=None, criterion=criterion))["histograms"][1]
    assert (found["of"], found["low"], found["high"]) == ("loss ratio", -1.0, 2.0)
    assert found["threshold"] == 0.33333
    assert found["mixture"] == {
        "weights": [0.25, 0.75],
        "means": [0.1, 0.9],
        "variances": [0.01, 0.02],
    }


@pytest.mark.parametrize("value", [0.7, math.nan])
def test_a_criterion_without_any_spread_still_has_a_histogram(value):
    watcher, *_ = diagnosis()
    criterion = lnlbench.Criterion("loss", torch.full((40,), value))
    found = watcher.snapshot(0, evaluation(criterion=criterion))["histograms"][2]
    assert found["low"] < found["high"]
    assert sum(map(sum, found["counts"].values())) == 40


def test_a_criterion_of_another_length_is_refused():
    watcher, *_ = diagnosis()
    with pytest.raises(RunError, match=r"one value for each of the 40 .* shape \(3,\)"):
        watcher.snapshot(0, evaluation(criterion=lnlbench.Criterion("loss", torch.zeros(3))))


def test_the_end_says_what_is_true_of_each_class():
    watcher, given_, true, test = diagnosis(seed=5)
    seen = evaluation(seed=5)
    found = watcher.final(seen)
    classes, pairs = found["classes"], found["label_confusion"]
    right = (seen.test_logits.argmax(1) == test).tolist()
    accuracies = slow.share_by_class(right, test.tolist(), 10)
    rates = slow.share_by_class((given_ != true).tolist(), true.tolist(), 10)
    assert classes["test_accuracy"] == pytest.approx(accuracies, abs=1e-4)
    assert classes["noise_rate"] == pytest.approx(rates, abs=1e-4)
    assert classes["given"] == [given_.tolist().count(label) for label in range(10)]
    wanted = slow.mistakes(true.tolist(), given_.tolist(), 10, 10)
    assert list(zip(pairs["true"], pairs["given"], pairs["count"], strict=True)) == wanted


def test_without_a_truth_no_label_is_called_wrong():
    watcher, *_ = diagnosis(truth_known=False)
    found = watcher.final(evaluation())
    assert "label_confusion" not in found
    assert found["classes"]["noise_rate"] is None


def test_a_hundred_classes_take_less_than_forty_kilobytes_and_a_thousand_less():
    watcher, *_ = diagnosis(5000, 100)
    criterion = lnlbench.Criterion("loss", torch.rand(5000), mixture=None)
    seen = evaluation(5000, 100, criterion=criterion)
    document = {"snapshots": [watcher.snapshot(epoch, seen) for epoch in range(11)]}
    document |= watcher.final(seen)
    grown = len(result_bytes(make_result(diagnostics=document))) - len(result_bytes(make_result()))
    assert 10_000 < grown < 40_000
    assert set(diagnosis(100, 1000)[0].final(evaluation(100, 1000))) == {
        "reliability",
        "detection",
    }


def test_a_run_records_itself_and_a_method_with_a_mixture_shows_it(tmp_path):
    result = run_short("dividemix", tmp_path, params={"warmup_epochs": 1})
    diagnostics = result.diagnostics
    assert [snapshot.epoch for snapshot in diagnostics.snapshots] == [0, 1, 2]
    names = [[each.of for each in shot.histograms] for shot in diagnostics.snapshots]
    divided = ["loss", "clean probability", "normalized loss of the first network"]
    assert names == [["loss"], divided, divided]
    last = diagnostics.snapshots[-1].histograms[-1]
    assert len(last.mixture.means) == 2
    wrong = sum(last.counts["wrong"])
    assert wrong + sum(last.counts["clean"]) == 200
    assert wrong / 200 == pytest.approx(result.data.noise_rate)
    assert sum(diagnostics.reliability.count) == 100
    assert sum(diagnostics.classes.given) == 200
    assert sum(diagnostics.label_confusion.count) == wrong


def test_looking_changes_no_number(tmp_path, monkeypatch):
    watched = comparable(run_short("dividemix", tmp_path / "a", params={"warmup_epochs": 1}))
    monkeypatch.setattr("lnlbench.runner.measurements.looks_at", lambda epoch, max_epochs: False)
    blind = comparable(run_short("dividemix", tmp_path / "b", params={"warmup_epochs": 1}))
    assert watched.pop("diagnostics")["snapshots"]
    assert blind.pop("diagnostics")["snapshots"] == []
    assert watched == blind
