"""Searches that are cut short, killed or damaged: they go on as if nothing had been."""

import contextlib
import json
import os
import signal
import time
from pathlib import Path

import pytest

pytest.importorskip("optuna", reason="needs Optuna: pip install 'lnlbench[search]'")

from cli import start_forked
from optuna.trial import TrialState
from searches import define, history, parabola, really, search

from lnlbench.errors import DataError
from lnlbench.results.tuning import read_tuning
from lnlbench.tune import study as study_module
from lnlbench.tune.definition import Shortening
from lnlbench.tune.recipe import found_recipe
from lnlbench.tune.study import JOURNAL_NAME, Study, mend_journal


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
    assert (document["trials"], document["ended"]) == (1, 1)
    assert document["recipe"] == tuning.model_dump(mode="json")
    assert (tuning.trials, tuning.failed, tuning.validation_samples) == (1, 0, 10)

    (tmp_path / "calm").mkdir()
    definition = define(shortening=Shortening(epochs=6, limit_train=100))
    calm, _ = search(tmp_path / "calm", definition, really, 1)
    assert found_recipe(calm).score == tuning.score
    assert found_recipe(calm).params == tuning.params


def test_an_interrupted_search_says_as_json_where_it_stands(tmp_path):
    running = start_forked(
        *("tune", "--method", "gce", "--track", "digits", "--trials", "3", "--jobs", "1"),
        *("--limit-train", "100", "--device", "cpu", "--json"),
        folder=tmp_path,
    )
    deadline = time.monotonic() + 250
    while not checkpoints(tmp_path):
        assert time.monotonic() < deadline, running.read("err")
        time.sleep(0.01)
    os.kill(running.pid, signal.SIGINT)
    ended = running.finish(250)
    assert ended.code == 1
    assert "The same command resumes the search." in ended.err
    document = json.loads(ended.out)
    assert (tmp_path / document["folder"] / JOURNAL_NAME).exists()
    assert (document["trials"], document["ended"], document["recipe_file"]) == (3, 0, None)
