"""Cross-fitting: no sample is judged by a model that saw it, and a stopped audit resumes."""

import pytest
import torch

from lnlbench.audit import cross_fitting
from lnlbench.audit.cross_fitting import cross_fit, deal_folds
from lnlbench.audit.judge import Judge, Lesson, protocol_for
from lnlbench.errors import DataError, Interrupted, UsageError
from lnlbench.methods.cross_entropy import CrossEntropy, CrossEntropyClean
from lnlbench.methods.dividemix import DivideMix

ALONE = torch.arange(90)


@pytest.fixture
def lesson():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(90) % 3
    features = torch.randn(90, 8, generator=generator) + 3 * torch.eye(8)[labels]
    return Lesson(features, labels, 3, torch.device("cpu"))


@pytest.fixture(autouse=True)
def shorter(few_steps, monkeypatch):
    monkeypatch.setattr("lnlbench.audit.judge._FEWEST_STEPS", 10)


def test_a_label_does_not_reach_the_judgement_of_its_own_fold(lesson, tmp_path):
    judge = Judge.of(CrossEntropy, {})
    folds = deal_folds(lesson.labels, 3, ALONE, 0)
    before = cross_fit(judge, lesson, folds, 0, tmp_path)
    changed = lesson.labels.clone()
    changed[0] = (changed[0] + 1) % 3
    after = cross_fit(judge, Lesson(lesson.features, changed, 3, lesson.device), folds, 0, tmp_path)
    same = folds == folds[0]
    torch.testing.assert_close(before.logits[same], after.logits[same])
    assert not torch.allclose(before.logits[~same], after.logits[~same], atol=1e-3)
    own = before.predicted[folds, torch.arange(90)]
    assert torch.equal(own, before.logits.argmax(1))


def test_classes_are_spread_over_folds_and_copies_stay_together():
    labels = torch.arange(90) % 3
    groups = ALONE.clone()
    groups[[4, 70]] = 2
    folds = deal_folds(labels, 5, ALONE, 0)
    for number in range(3):
        assert folds[labels == number].bincount(minlength=5).tolist() == [6] * 5
    together = deal_folds(labels, 5, groups, 0)
    assert len(together[[2, 4, 70]].unique()) == 1
    with pytest.raises(UsageError, match="at most the number of samples, 90"):
        deal_folds(labels, 91, ALONE, 0)
    with pytest.raises(DataError, match="nearly the same features"):
        deal_folds(labels, 5, torch.zeros_like(ALONE), 0)


def test_a_stopped_audit_resumes_with_the_same_numbers(lesson, tmp_path, monkeypatch):
    judge = Judge.of(DivideMix, {"warmup_epochs": 1})
    folds = deal_folds(lesson.labels, 3, ALONE, 0)
    whole = cross_fit(judge, lesson, folds, 0, tmp_path / "whole")
    trained = []

    def judged(*arguments):
        if len(trained) == 2:
            raise Interrupted
        trained.append(arguments)
        return original(*arguments)

    original = cross_fitting.judged
    monkeypatch.setattr(cross_fitting, "judged", judged)
    with pytest.raises(Interrupted):
        cross_fit(judge, lesson, folds, 0, tmp_path / "stopped")
    damaged = sorted((tmp_path / "stopped").iterdir())[0]
    damaged.write_bytes(damaged.read_bytes()[:100])
    trained[:] = []
    told = []
    resumed = cross_fit(judge, lesson, folds, 0, tmp_path / "stopped", told.append)
    assert len(trained) == 2
    torch.testing.assert_close(resumed.logits, whole.logits)
    assert (resumed.predicted == whole.predicted).float().mean() > 0.99
    assert told == sorted(told)
    assert told[-1] == 1


@pytest.mark.parametrize("changed", [False, True])
def test_a_judge_whose_code_has_changed_judges_anew(changed, lesson, tmp_path, monkeypatch):
    judge, folds = Judge.of(CrossEntropy, {}), deal_folds(lesson.labels, 2, ALONE, 0)
    cross_fit(judge, lesson, folds, 0, tmp_path)
    trained = []

    def judged(*arguments):
        trained.append(arguments)
        return original(*arguments)

    original = cross_fitting.judged
    monkeypatch.setattr(cross_fitting, "judged", judged)
    if changed:
        monkeypatch.setattr(cross_fitting, "source_sha256", lambda method: "f" * 64)
    cross_fit(judge, lesson, folds, 0, tmp_path)
    assert len(trained) == (2 if changed else 0)


def test_a_judge_that_needs_the_truth_is_refused():
    with pytest.raises(UsageError, match="has to be told clean_labels"):
        Judge.of(CrossEntropyClean, {})


def test_few_samples_get_more_epochs(monkeypatch):
    monkeypatch.setattr("lnlbench.audit.judge._FEWEST_STEPS", 600)
    few, many = protocol_for(300), protocol_for(40_000)
    assert few.epochs * -(-300 // few.batch_size) >= 600
    assert (many.epochs, many.batch_size) == (15, 256)
