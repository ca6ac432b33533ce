"""Searches: what they try, which trial wins, what ends them, and how they are planned."""

import json
from pathlib import Path

import pytest

pytest.importorskip("optuna", reason="needs Optuna: pip install 'lnlbench[search]'")

from cli import call
from optuna.trial import TrialState
from searches import define, parabola, really, search, value_of

from lnlbench.errors import RunError, UsageError
from lnlbench.runner.checkpoint import load_checkpoint
from lnlbench.testing.small_runs import CPU
from lnlbench.tune.recipe import found_recipe, standard_error
from lnlbench.tune.study import Study, seconds_of, values_of
from lnlbench.tune.trial import TrialOutcome


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


def test_an_objective_that_no_run_logs_is_named(folder):
    known = "Available: loss, train_accuracy_noisy, validation_accuracy"
    with pytest.raises(RunError, match=f"Unknown objective 'test_accuracy'.*{known}"):
        search(folder, define(objective="test_accuracy"), really, 2)


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
