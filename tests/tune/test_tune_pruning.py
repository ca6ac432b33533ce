"""A trial that falls behind the others ends early, also when it was killed and resumes."""

from types import SimpleNamespace

import pytest

pytest.importorskip("optuna", reason="needs Optuna: pip install 'lnlbench[search]'")

from rich.console import Console
from searches import define

from lnlbench.errors import Interrupted
from lnlbench.runner.display import EpochReport
from lnlbench.runner.record import Record
from lnlbench.tune.study import Study, note_seconds, seconds_of
from lnlbench.tune.trial import TrialDisplay


def report(epoch, value, epochs=9):
    return EpochReport(epoch, epochs, 1.0, 1.0, 1.0, {}, {"validation_accuracy": value})


def begin_trial(study, base=None, seconds=0.0):
    number, _ = study.begin(base or {"q": 0.7})
    note_seconds(study.trial(number), seconds)
    trial, so_far = study.trial(number), study.trials()[number]
    return number, TrialDisplay(Console(quiet=True), trial, "validation_accuracy", so_far)


def run_epochs(study, value, epochs=9, base=None):
    number, display = begin_trial(study, base, seconds=5.0)
    try:
        for epoch in range(epochs):
            display.epoch(report(epoch, value, epochs))
    except Interrupted:
        study.prune(number)
        return number, epoch, display.pruned
    study.complete(number, value)
    return number, epoch, display.pruned


@pytest.mark.parametrize("pruning", [True, False])
def test_a_trial_that_falls_behind_ends_after_a_third_of_its_epochs(folder, pruning):
    study = Study(define(pruning=pruning), folder, 9)
    for value in (0.5, 0.1, 0.6, 0.4, 0.7):
        assert run_epochs(study, value)[1:] == (8, False)
    assert run_epochs(study, 0.65)[1:] == (8, False)
    number, epoch, pruned = run_epochs(study, 0.3)
    assert (epoch, pruned) == ((3, True) if pruning else (8, False))
    [seconds] = [seconds_of(trial) for trial in study.trials() if trial.number == number]
    assert 5.0 <= seconds < 6.0


def test_only_the_first_seed_of_a_trial_is_compared_by_epoch(folder):
    study = Study(define(), folder, 9)
    for _ in range(5):
        run_epochs(study, 0.5)
    number, display = begin_trial(study)
    display.comparing = False
    for epoch in range(9):
        display.epoch(report(epoch, 0.1))
    assert study.trials()[number].intermediate_values == {}


def test_a_trial_killed_before_its_report_is_reported_and_pruned_when_it_resumes(folder):
    study = Study(define(), folder, 9)
    for _ in range(5):
        run_epochs(study, 0.5)
    number, display = begin_trial(study)
    display.epoch(report(0, 0.1))
    curves = {"validation_accuracy": [0.1, 0.2, 0.1, 0.3]}
    display.execution = SimpleNamespace(record=Record(epochs=4, curves=curves))
    with pytest.raises(Interrupted, match="pruned after epoch 4"):
        display.started("a trial", 9, 4)
    assert display.pruned
    assert study.trials()[number].intermediate_values == {0: 0.1, 1: 0.2, 2: 0.1, 3: 0.3}
