"""`lnlbench status`: each state of a run, its reason, its log, and the command to repeat it."""

import json
import shlex
from importlib import import_module
from pathlib import Path
from shutil import copytree

import pytest
from cli import SMALL, call
from factories import make_result

from lnlbench.plugins import load_plugins
from lnlbench.runner.directory import RunDirectory
from lnlbench.runner.lock import directory_lock
from lnlbench.spec.run_spec import build_spec

command = import_module("lnlbench.cli.status")

ENDINGS = {
    "done": {"status": "done"},
    "failed": {"status": "failed", "error": "the disk is full"},
    "diverged": {"status": "diverged", "error": "a loss was NaN"},
}


@pytest.fixture
def folder(tmp_path):
    """An output folder with a run in each state; seeds count the states."""
    for seed, state in enumerate((*ENDINGS, "killed", "waiting", "running")):
        spec = build_spec(load_plugins().method("ce"), "digits", seed=seed)
        directory = RunDirectory.of_spec(tmp_path, spec)
        directory.write_spec(spec)
        if state in ENDINGS:
            directory.write_result(make_result("ce", seed, track="digits", **ENDINGS[state]))
        if state == "failed":
            (directory.path / "log.txt").write_text("Traceback\n")
        if state == "killed":
            directory.checkpoint_file.write_bytes(b"")
        if state == "running":
            (directory.path / "log.txt").write_text("epoch 3/60  loss 0.1\n\n")
    return tmp_path


@pytest.fixture
def running(folder):
    """The same, while a process holds the run of the last seed."""
    [path] = (folder / "runs").glob("*/*/*seed5*")
    with directory_lock(path):
        yield folder


def shown(folder):
    outcome = call("status", folder)
    assert outcome.code == 0, outcome.err
    return outcome.out


def test_every_state_is_counted_and_shown_with_its_reason(running):
    text = shown(running)
    first = "6 runs: 1 running, 1 failed, 1 diverged, 1 interrupted, 1 waiting, 1 done."
    assert text.startswith(first)
    rows = {line.split()[0]: line for line in text.splitlines()[2:8]}
    for state, words in {
        "running": "epoch 3/60",
        "failed": "the disk is full",
        "diverged": "a loss was NaN",
        "interrupted": "its process was killed",
        "waiting": "digits/ce/matched-seed4-",
        "done": "test_accuracy_last10",
    }.items():
        assert words in rows[state]


def test_the_directory_of_a_run_can_be_copied(folder):
    lines = shown(folder).splitlines()
    [done] = [line for line in lines if line.startswith("done")]
    root = Path(lines[0].partition("Their directories are in ")[2].removesuffix("."))
    assert RunDirectory(root / done.split()[1]).read_spec().seed == 0


@pytest.mark.parametrize("place", ["runs", "runs/digits", "runs/digits/ce", "one run"])
def test_any_folder_of_runs_can_be_the_working_folder(folder, monkeypatch, place):
    [run] = (folder / "runs").glob("*/*/*seed1*")
    monkeypatch.chdir(run if place == "one run" else folder / place)
    text = shown(".")
    assert text.startswith("1 run: 1 failed." if place == "one run" else "6 runs: ")
    assert f"Their directories are in {folder / 'runs'}.\n" in text
    assert shown("..").startswith("6 runs: ")


def test_the_runs_of_several_output_folders_are_shown_with_whole_paths(folder, tmp_path_factory):
    above = tmp_path_factory.mktemp("above")
    for name in ("a", "b"):
        copytree(folder / "runs", above / name / "runs")
    lines = shown(above).splitlines()
    assert lines[0].startswith("12 runs: ") and "Their directories" not in lines[0]
    done = [Path(line.split()[1]) for line in lines if line.startswith("done")]
    assert len(done) == 2 and all(RunDirectory(each).read_spec().seed == 0 for each in done)
    outcome = call("run", "--resume", above)
    assert outcome.code == 2 and "belong to 2 output folders" in outcome.err


def test_a_run_that_no_process_holds_is_not_running(folder):
    assert "2 waiting" in shown(folder) and "running" not in shown(folder)


def test_a_failure_has_its_log_and_a_command_that_repeats_it(folder):
    lines = shown(folder).splitlines()
    place = lines.index("ce · digits · seed 1: failed")
    log, again = lines[place + 1 : place + 3]
    assert Path(log.removeprefix("  log: ")).read_text() == "Traceback\n"
    _, *arguments = shlex.split(again.removeprefix("  again: "))
    repeated = call(*arguments, "--print-spec")
    assert json.loads(repeated.out)["seed"] == 1


def test_json_has_every_run(running):
    runs = json.loads(call("status", running, "--json").out)["runs"]
    states = ["running", "failed", "diverged", "interrupted", "waiting", "done"]
    assert [run["state"] for run in runs] == states
    assert runs[0]["command"] is None and runs[4]["command"].startswith("lnlbench run --resume ")
    assert runs[1]["log"].endswith("log.txt")


def test_one_run_and_the_working_folder_can_be_asked_for(folder, monkeypatch):
    [path] = (folder / "runs").glob("*/*/*seed1*")
    assert shown(path).startswith("1 run: 1 failed.")
    monkeypatch.chdir(folder)
    assert call("status").out.startswith("6 runs: ")


def test_watching_ends_when_no_run_is_running(running, monkeypatch):
    seen = []

    def end_of_the_run(seconds):
        [path] = (running / "runs").glob("*/*/*seed5*")
        seen.append(seconds)
        result = make_result("ce", 5, track="digits", status="done")
        RunDirectory(path).write_result(result)
        monkeypatch.setattr("lnlbench.sweep.status.is_held", lambda path: False)

    monkeypatch.setattr(command, "sleep", end_of_the_run)
    text = shown_while_watching(running)
    assert seen == [command.WATCH_SECONDS]
    assert text.index("1 running") < text.index("2 done")


def shown_while_watching(folder):
    outcome = call("status", folder, "--watch")
    assert outcome.code == 0, outcome.err
    return outcome.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("nowhere",), "does not exist"), ((".", "--watch", "--json"), "without --json")],
)
def test_what_cannot_be_shown_is_refused(tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    outcome = call("status", *arguments)
    assert outcome.code == 2 and words in outcome.err


def test_a_damaged_result_is_a_failure_with_a_reason(folder):
    [path] = (folder / "runs").glob("*/*/*seed0*")
    (path / "result.json").write_text("{")
    assert "is not a valid result" in shown(folder)


def test_the_runs_of_a_sweep_wait_before_the_first_one_starts(tmp_path, monkeypatch):
    monkeypatch.setattr("lnlbench.sweep.engine.Sweep._drive", lambda sweep: None)
    outcome = call("sweep", "--method", "ce", *SMALL, "--seeds", "2", "--output", tmp_path)
    assert outcome.code == 1
    assert shown(tmp_path).startswith("2 runs: 2 waiting.")
