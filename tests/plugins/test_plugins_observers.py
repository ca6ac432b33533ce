"""Plugins that observe runs, and the TensorBoard logger, the first of them."""

import json
import sys

import pytest
from cli import SMALL, call, directory_of, essence, stored
from plugin_zoo import install

from lnlbench.loggers import make_logger
from lnlbench.runner.directory import RunDirectory

CE = ("run", "--method", "ce", *SMALL)
OBSERVER = """
import json
import lnlbench

def note(directory, **facts):
    with open(directory / "seen.jsonl", "a") as file:
        file.write(json.dumps(facts) + "\\n")

@lnlbench.hookimpl
def run_started(directory, spec, epoch):
    note(directory, hook="run_started", spec=spec, epoch=epoch)

@lnlbench.hookimpl
def epoch_finished(directory, epoch, values):
    note(directory, hook="epoch_finished", epoch=epoch, values=values)
    values.clear()

@lnlbench.hookimpl
def run_finished(directory, result):
    note(directory, hook="run_finished", result=result)
"""
FAILING = """
import lnlbench

@lnlbench.hookimpl
def epoch_finished(epoch):
    raise RuntimeError(f"no disk left in epoch {epoch}")
"""


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    assert call(*CE, "--output", folder).code == 0
    return stored(folder)


@pytest.fixture
def site(tmp_path, monkeypatch):
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


@pytest.fixture
def seen(site, tmp_path):
    """What an observer and a failing one before it have noted of a run of two epochs."""
    install(site, "lnlbench-a", FAILING, entry_point="a")
    install(site, "lnlbench-b", OBSERVER, entry_point="b")
    outcome = call(*CE, "--output", tmp_path)
    assert outcome.code == 0, outcome.err
    lines = (directory_of(tmp_path).path / "seen.jsonl").read_text().splitlines()
    return outcome, [json.loads(line) for line in lines]


def test_hook_run_started(seen, tmp_path):
    first = seen[1][0]
    assert (first["hook"], first["epoch"]) == ("run_started", 0)
    assert first["spec"] == stored(tmp_path)["spec"]


def test_hook_epoch_finished(seen, tmp_path):
    epochs = [each for each in seen[1] if each["hook"] == "epoch_finished"]
    assert [each["epoch"] for each in epochs] == [0, 1]
    curves = stored(tmp_path)["curves"]
    for each in epochs:
        assert each["values"] == {name: curve[each["epoch"]] for name, curve in curves.items()}


def test_hook_run_finished(seen, tmp_path, plain):
    last = seen[1][-1]
    assert last["hook"] == "run_finished"
    assert last["result"] == stored(tmp_path)
    # Neither the observer that clears what it gets nor the one that fails makes a difference.
    assert essence(last["result"]) == essence(plain)


def test_one_that_fails_is_named_once_and_left_out(seen):
    assert seen[0].err.count("lnlbench-a:a no longer observes this run") == 1
    assert "no disk left in epoch 0" in seen[0].err


def scalars(folder):
    """(step, value) of each tag in a TensorBoard log, as its own reader sees them."""
    reader = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator",
        reason="tensorboard is missing: pip install 'lnlbench[tensorboard]'",
    )
    log = reader.EventAccumulator(str(folder)).Reload()
    return {
        tag: [(event.step, event.value) for event in log.Scalars(tag)]
        for tag in log.Tags()["scalars"]
    }


def test_tensorboard_gets_every_curve_and_the_result_stays_the_same(tmp_path, plain):
    pytest.importorskip("tensorboard")
    assert call(*CE, "--output", tmp_path, "--log", "tensorboard").code == 0
    found = scalars(directory_of(tmp_path).path / "tensorboard")
    curves = stored(tmp_path)["curves"]
    assert set(found) == set(curves)
    for name, curve in curves.items():
        assert [step for step, _ in found[name]] == [1, 2]
        assert [value for _, value in found[name]] == pytest.approx(curve, rel=1e-6)
    assert essence(stored(tmp_path)) == essence(plain)


def test_what_a_killed_run_logged_beyond_its_checkpoint_is_dropped(tmp_path):
    pytest.importorskip("tensorboard")
    directory = RunDirectory(tmp_path)
    killed, resumed = make_logger("tensorboard"), make_logger("tensorboard")
    killed.run_started(directory.path, 0)
    for epoch in range(3):
        killed.epoch_finished(epoch, {"loss": 1.0, "nll": None})
    resumed.run_started(directory.path, 2)
    for epoch in (2, 3):
        resumed.epoch_finished(epoch, {"loss": 0.5})
    resumed.run_finished({"status": "done", "error": None})
    assert scalars(tmp_path / "tensorboard") == {"loss": [(1, 1.0), (2, 1.0), (3, 0.5), (4, 0.5)]}


def test_an_unknown_logger_is_refused_before_anything_runs(tmp_path):
    outcome = call(*CE, "--output", tmp_path, "--log", "tensorbord")
    assert outcome.code == 2
    assert "Did you mean 'tensorboard'" in outcome.err
    assert not (tmp_path / "runs").exists()


def test_without_tensorboard_the_command_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    outcome = call(*CE, "--output", tmp_path, "--log", "tensorboard")
    assert outcome.code == 2
    assert "pip install 'lnlbench[tensorboard]'" in outcome.err
