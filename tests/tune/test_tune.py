"""Searches: restarts, pruning, failures, and the real command with processes of its own."""

import contextlib
import json
import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("optuna", reason="needs Optuna: pip install 'lnlbench[search]'")

from cli import call, start_forked
from optuna.trial import TrialState
from rich.console import Console

from lnlbench.errors import DataError, Interrupted, RunError, UsageError
from lnlbench.plugins import load_plugins
from lnlbench.results.tuning import read_tuning
from lnlbench.runner.checkpoint import load_checkpoint
from lnlbench.runner.display import EpochReport
from lnlbench.runner.record import Record
from lnlbench.sweep.executor import Ended
from lnlbench.sweep.process import Exit
from lnlbench.testing.small_runs import CPU
from lnlbench.tracks import load_track
from lnlbench.tune import study as study_module
from lnlbench.tune.definition import Shortening, define_search
from lnlbench.tune.recipe import found_recipe, standard_error
from lnlbench.tune.search import Search
from lnlbench.tune.study import (
    JOURNAL_NAME,
    Study,
    mend_journal,
    note_seconds,
    seconds_of,
    values_of,
)
from lnlbench.tune.trial import TrialDisplay, TrialOutcome, run_trial

PLUGINS = load_plugins(strict=True)


def define(method="gce", track="digits", fixed=None, search=(), **settings):
    settings = {"shortening": Shortening(epochs=2, limit_train=100), **settings}
    return define_search(
        PLUGINS.method(method), load_track(track), "matched", fixed or {}, list(search), **settings
    )


class Inline:
    """An executor whose jobs end as `end` says: real trials in this process, or pretended ones."""

    def __init__(self, end, slots=1):
        self.end, self.slots, self.running, self.killed = end, slots, [], False

    def start(self, job):
        self.running.append(job)

    def wait(self):
        job = self.running.pop(0)
        outcome = self.end(job)
        if isinstance(outcome, int):
            return [Ended(job, Exit(outcome, "", ("first", "Error: the last line"), 1.0))]
        return [Ended(job, Exit(0, outcome.model_dump_json(), (), 1.0))]

    def stop(self):
        pass

    def kill(self):
        self.killed = True


def really(job):
    return run_trial(job.directory.path, PLUGINS, "cpu", None, None)


def value_of(job, name="q"):
    return json.loads((job.directory.path / "trial.json").read_text())["specs"][0]["params"][name]


def parabola(job):
    """Best at q = 0.3."""
    return TrialOutcome(status="done", score=1 - (value_of(job) - 0.3) ** 2, samples=50)


def search(folder, definition, end, trials, retries=1):
    study = Study(definition, folder, 2)
    executor = Inline(end)
    console = Console(quiet=True)
    method = PLUGINS.method(definition.method)
    finished = Search(study, method, executor, (), {}, console, retries).run(trials)
    assert executor.killed
    return study, finished


def history(study):
    return [(each.number, each.state, each.value, values_of(each)) for each in study.trials()]


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "search"
    place.mkdir()
    return place


def test_the_defaults_come_first_and_the_search_finds_better(folder):
    study, finished = search(folder, define(), parabola, 20)
    assert finished
    assert values_of(study.trials()[0]) == {"q": 0.7}
    assert all(0.1 <= values_of(trial)["q"] <= 1.0 for trial in study.trials())
    tuning = found_recipe(study)
    assert abs(tuning.params["q"] - 0.3) < 0.05
    assert tuning.score == max(1 - (values_of(t)["q"] - 0.3) ** 2 for t in study.trials())
    assert tuning.default_score == pytest.approx(1 - 0.16)
    assert (tuning.trials, tuning.pruned, tuning.failed) == (20, 0, 0)
    assert tuning.validation_samples == 50


def test_the_smallest_wins_when_smaller_is_better(folder):
    study, _ = search(folder, define(direction="minimize", objective="loss"), parabola, 6)
    tuning = found_recipe(study)
    assert tuning.score == min(trial.value for trial in study.trials())
    assert standard_error(tuning) is None


def test_a_search_that_was_cut_short_goes_on_as_if_it_had_not_been(tmp_path):
    for name in ("calm", "cut"):
        (tmp_path / name).mkdir()
    calm, _ = search(tmp_path / "calm", define(), parabola, 14)
    search(tmp_path / "cut", define(), parabola, 5)

    def lost(job):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(tmp_path / "cut", define(), lost, 14)
    [running] = Study(define(), tmp_path / "cut", 2).trials(TrialState.RUNNING)
    assert running.number == 5
    cut, finished = search(tmp_path / "cut", define(), parabola, 14)
    assert finished
    assert history(cut) == history(calm)
    again, _ = search(tmp_path / "cut", define(), lost, 14)
    assert history(again) == history(calm)


def test_a_default_in_words_is_tried_as_it_is(folder):
    definition = define("co-teaching", search=["forget_rate", "exponent"])
    seen = []

    def end(job):
        seen.append(value_of(job, "forget_rate"))
        return TrialOutcome(status="done", score=0.5, samples=10)

    study, _ = search(folder, definition, end, 3)
    assert seen[0] == "estimate"
    assert all(isinstance(rate, float) for rate in seen[1:])
    # The first of equals: the defaults themselves.
    assert found_recipe(study).params == {"exponent": 1.0}


def test_fixed_parameters_and_seeds_are_in_every_trial_and_in_the_recipe(folder):
    definition = define("dividemix", fixed={"warmup_epochs": 1}, search=["lambda_u"], seeds=[7, 8])
    study, _ = search(
        folder, definition, lambda job: TrialOutcome(status="done", score=0.1, samples=9), 2
    )
    plan = json.loads((folder / "trial-0001" / "trial.json").read_text())
    assert [spec["seed"] for spec in plan["specs"]] == [7, 8]
    assert {spec["params"]["warmup_epochs"] for spec in plan["specs"]} == {1}
    tuning = found_recipe(study)
    assert tuning.params == {"warmup_epochs": 1, "lambda_u": 25.0}
    assert tuning.overrides == {"epochs": 2, "limit_train": 100}


def test_a_killed_trial_is_tried_again_and_then_failed_and_the_search_goes_on(folder):
    attempts = []

    def end(job):
        number = int(job.directory.path.name[-4:])
        attempts.append((number, job.attempt))
        if number == 1 or (number == 2 and job.attempt == 1):
            return -signal.SIGKILL
        return parabola(job)

    study, finished = search(folder, define(), end, 4)
    assert finished
    assert sorted(attempts) == [(0, 1), (1, 1), (1, 2), (2, 1), (2, 2), (3, 1)]
    states = {trial.number: trial.state for trial in study.trials()}
    assert states[1] == TrialState.FAIL
    assert found_recipe(study).failed == 1


def test_what_diverges_never_wins_and_defaults_that_fail_end_the_search(folder, tmp_path):
    def end(job):
        diverged = TrialOutcome(status="diverged", error="NaN", samples=5)
        return parabola(job) if value_of(job) == 0.7 else diverged

    study, _ = search(folder, define(), end, 3)
    tuning = found_recipe(study)
    assert (tuning.params, tuning.pruned) == ({"q": 0.7}, 2)
    (tmp_path / "bad").mkdir()
    with pytest.raises(RunError, match="nothing was searched: no such thing"):
        failed = TrialOutcome(status="failed", error="no such thing")
        search(tmp_path / "bad", define(), lambda job: failed, 3)


def test_a_refused_trial_ends_the_search_with_its_message(folder):
    with pytest.raises(UsageError, match="the last line"):
        search(folder, define(), lambda job: 2, 3)


def test_a_search_in_which_nothing_is_done_has_no_recipe(folder):
    with pytest.raises(RunError, match="No trial finished"):
        found_recipe(Study(define(), folder, 2))


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


def test_a_trial_killed_while_its_values_were_drawn_gets_the_same_values(folder, monkeypatch):
    definition = define("dividemix", search=["temperature", "lambda_u"])
    base = {"temperature": 0.5, "lambda_u": 25.0}
    found = {}
    for place, draws in (("calm", 2), ("killed", 1)):
        (folder / place).mkdir()
        study = Study(definition, folder / place, 2)
        study.complete(study.begin(base)[0], 0.5)
        with monkeypatch.context() as patched:
            patched.setattr(study_module, "_draw", limited(draws))
            with contextlib.suppress(KeyboardInterrupt):
                study.begin(base)
        assert len(study.trials()[1].params) == draws
        [(_, found[place])] = Study(definition, folder / place, 2).begun(base)
    assert found["killed"] == found["calm"]


def limited(count):
    """Draw so many values, and then be killed."""
    draw, drawn = study_module._draw, []

    def drawing(*arguments):
        if len(drawn) == count:
            raise KeyboardInterrupt
        drawn.append(1)
        return draw(*arguments)

    return drawing


def test_checkpoints_of_a_trial_that_ended_before_a_kill_are_removed(folder):
    search(folder, define(), parabola, 2)
    left = folder / "trial-0001" / "seed100" / "checkpoint"
    left.parent.mkdir()
    left.write_bytes(b"")
    search(folder, define(), parabola, 3)
    assert not left.exists()


def test_real_trials_know_no_test_score_and_seeds_are_averaged(folder):
    finals = []

    def end(job):
        outcome = really(job)
        for seed in (3, 4):
            file = job.directory.path / f"seed{seed}" / "checkpoint"
            curves = load_checkpoint(file, CPU)["record"]["curves"]
            assert set(curves) == {"loss", "validation_accuracy", "train_accuracy_noisy"}
            finals.append(curves["validation_accuracy"][-1])
        return outcome

    study, _ = search(folder, define(seeds=[3, 4]), end, 2)
    assert [trial.state for trial in study.trials()] == [TrialState.COMPLETE] * 2
    for number, trial in enumerate(study.trials()):
        assert trial.value == pytest.approx(sum(finals[2 * number : 2 * number + 2]) / 2)
        assert set(trial.user_attrs) == {"values", "wall_seconds", "samples", "versions"}
    tuning = found_recipe(study)
    assert tuning.validation_samples == 10
    assert 0 < tuning.wall_seconds == sum(map(seconds_of, study.trials()))
    # What has ended keeps its log alone.
    assert list(folder.rglob("checkpoint")) == []


def test_a_torn_line_is_forgotten_and_a_damaged_file_is_named(folder):
    whole, _ = search(folder, define(), parabola, 3)
    before = history(whole)
    journal = folder / JOURNAL_NAME
    kept = journal.read_bytes()
    journal.write_bytes(kept + b'{"op_code":5,"wor')
    mend_journal(folder)
    assert journal.read_bytes() == kept
    longer, finished = search(folder, define(), parabola, 4)
    assert finished
    assert history(longer)[:3] == before
    journal.write_bytes(b"no journal\n" + kept)
    with pytest.raises(DataError, match=r"trials.journal is damaged"):
        Study(define(), folder, 2)


def test_the_lock_of_a_process_that_was_killed_while_it_wrote_is_dropped(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    place = Path(folder.name)
    search(place, define(), parabola, 2)
    lock = place / f"{JOURNAL_NAME}.lock"
    lock.symlink_to(place / JOURNAL_NAME)  # as Optuna makes it for a relative path
    mend_journal(place)
    assert not lock.is_symlink()
    renamed = place / f"{JOURNAL_NAME}.lock5d9e.rename"  # as Optuna calls it to remove it
    renamed.symlink_to(place / JOURNAL_NAME)
    mend_journal(place)
    assert not renamed.is_symlink()
    targets, link = [], os.symlink

    def note(target, *rest):
        targets.append(target)
        link(target, *rest)

    monkeypatch.setattr(os, "symlink", note)
    _, finished = search(place, define(), parabola, 3)
    assert finished
    assert targets
    assert all(Path(target).is_absolute() for target in targets)


def test_an_objective_that_no_run_logs_is_named(folder):
    known = "Available: loss, train_accuracy_noisy, validation_accuracy"
    with pytest.raises(RunError, match=f"Unknown objective 'test_accuracy'.*{known}"):
        search(folder, define(objective="test_accuracy"), really, 2)


def checkpoints(place):
    return list((place / "tuning").rglob("checkpoint"))


def test_the_command_survives_a_kill_of_its_whole_group(tmp_path):
    arguments = (
        *("tune", "--method", "gce", "--track", "digits", "--trials", "1", "--jobs", "2"),
        *("--epochs", "6", "--limit-train", "100", "--device", "cpu"),
    )
    running = start_forked(*arguments, folder=tmp_path, prepare=os.setpgrp)
    deadline = time.monotonic() + 250
    while not checkpoints(tmp_path):
        assert time.monotonic() < deadline, running.read("err")
        time.sleep(0.01)
    os.killpg(running.pid, signal.SIGKILL)
    assert running.finish().code == -signal.SIGKILL
    last = start_forked(*arguments, "--json", folder=tmp_path).finish(250)
    assert last.code == 0, last.err
    document = json.loads(last.out)
    file = tmp_path / document["recipe_file"]
    tuning = read_tuning(file)
    assert document["recipe"] == tuning.model_dump(mode="json")
    assert (tuning.trials, tuning.failed, tuning.validation_samples) == (1, 0, 10)

    (tmp_path / "calm").mkdir()
    definition = define(shortening=Shortening(epochs=6, limit_train=100))
    calm, _ = search(tmp_path / "calm", definition, really, 1)
    assert found_recipe(calm).score == tuning.score
    assert found_recipe(calm).params == tuning.params


def test_the_plan_of_a_search_is_shown_and_nothing_is_begun(tmp_path):
    shown = call(
        *("tune", "--method", "dividemix", "--track", "digits", "--dry-run", "--trials", "7"),
        *("--search", "lambda_u=0..9", "--output", tmp_path),
    )
    assert shown.code == 0, shown.err
    for text in ("lambda_u", "temperature", "7 trials", "noisy labels", "time unknown"):
        assert text in shown.out
    assert list(tmp_path.iterdir()) == []


def test_the_plan_of_a_search_as_json_is_all_of_standard_output(tmp_path):
    shown = call(
        *("tune", "--method", "gce", "--track", "digits", "--dry-run", "--trials", "7"),
        *("--output", tmp_path, "--json"),
    )
    plan = json.loads(shown.out)
    assert plan["trials"] == 7 and plan["search"]["method"] == "gce"
    assert Path(plan["folder"]).is_relative_to(tmp_path / "tuning" / "digits" / "gce")


def test_two_ranges_of_one_parameter_are_refused():
    ranges = ("--search", "q=0.2..0.5", "--search", "q=0.1..0.9")
    outcome = call("tune", "--method", "gce", "--track", "digits", "--dry-run", *ranges)
    assert outcome.code == 2 and "--search gives 'q' two ranges" in outcome.err
