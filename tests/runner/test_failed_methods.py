"""Methods that fail, diverge or break their promises: the reason is kept, and others go on."""

import json

import pytest
from cli import SMALL, call, run_process, stored
from plugin_zoo import install

from lnlbench.methods.cross_entropy import CrossEntropy

BROKEN = """
import torch
import lnlbench
from torch.nn.functional import cross_entropy

class Raising(lnlbench.LossMethod):
    name = "raising"
    reference = "Nobody (2026)"

    def loss(self, network, batch, epoch):
        raise ZeroDivisionError("no [bold]share[/bold] left")

class Base(lnlbench.LossMethod):
    reference = "Nobody (2026)"

    def loss(self, network, batch, epoch):
        return cross_entropy(network(batch.views[0]), batch.labels)

class Column(Base):
    name = "column"

    def clean_probability(self):
        return torch.full((200, 1), 0.5)

class Percent(Base):
    name = "percent"

    def clean_probability(self):
        return torch.full((200,), 50.0)

class Undefined(Base):
    name = "undefined"

    def clean_probability(self):
        return torch.full((200,), torch.nan)

class Empty(Base):
    name = "empty"

    def clean_probability(self):
        return torch.empty(0)

class Unsaved(Base):
    name = "unsaved"

    def fit(self, run):
        self.seen = {1, 2}
        super().fit(run)

@lnlbench.hookimpl
def register_methods():
    return [Raising, Column, Percent, Undefined, Empty, Unsaved]
"""
REASONS = {
    "raising": ("ZeroDivisionError: no [bold]share[/bold] left", "error.txt"),
    "column": ("clean_probability() of 'column' must be (200,) values", "(200, 1)"),
    "percent": ("clean_probability() of 'percent' must be", "[0, 1]", "50.0"),
    "undefined": ("clean_probability() of 'undefined' must be", "nan"),
    "empty": ("clean_probability() of 'empty' must be (200,) values", "(0,)"),
    "unsaved": ("'seen'", "set", "no checkpoint can hold"),
}


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """One command with a method of each way to fail, and a good one at the end."""
    folder, site = tmp_path_factory.mktemp("broken"), tmp_path_factory.mktemp("site")
    install(site, "lnlbench-broken", BROKEN)
    names = ",".join([*REASONS, "ce"])
    arguments = ("run", "--method", names, *SMALL, "--json")
    outcome = run_process(*arguments, cwd=folder, PYTHONPATH=str(site))
    documents = json.loads(outcome.out)["results"]
    return folder, outcome, {each["result"]["method"]["name"]: each for each in documents}


@pytest.mark.parametrize("name", REASONS)
def test_a_method_that_fails_is_recorded_with_its_reason(broken, name):
    folder, outcome, documents = broken
    result = documents[name]["result"]
    assert result["status"] == "failed"
    for text in REASONS[name]:
        assert text in result["error"]
        assert text in outcome.err
    assert json.loads((folder / documents[name]["result_file"]).read_text()) == result


def test_a_failed_method_leaves_its_traceback_and_does_not_stop_the_next(broken):
    folder, outcome, documents = broken
    assert outcome.code == 1
    assert "Traceback" not in outcome.err
    trace = (folder / documents["raising"]["run_directory"] / "error.txt").read_text()
    assert trace.startswith("Traceback")
    assert "in loss" in trace
    assert list(documents) == [*REASONS, "ce"]
    assert documents["ce"]["result"]["status"] == "done"


def test_a_diverging_run_is_stored_as_such_and_never_counts_as_done(tmp_path):
    arguments = ("run", "--method", "ce", *SMALL, "--lr", "1e30", "--output", tmp_path)
    for _ in range(2):
        outcome = call(*arguments)
        assert outcome.code == 1
        assert "diverged: A loss was infinite or NaN in epoch 1." in outcome.out
        assert "--lr" in outcome.out
        assert "already done" not in outcome.out
        result = stored(tmp_path)
        assert result["status"] == "diverged"
        assert set(result["scores"].values()) == {None}


def test_a_finished_result_outlives_a_later_attempt_that_fails(tmp_path, monkeypatch):
    arguments = ("run", "--method", "ce", *SMALL, "--output", tmp_path)
    assert call(*arguments).code == 0
    finished = stored(tmp_path)

    def fail(*_):
        raise ZeroDivisionError("out of luck")

    with monkeypatch.context() as patched:
        patched.setattr(CrossEntropy, "loss", fail)
        outcome = call(*arguments, "--overwrite")
    assert outcome.code == 1
    assert "out of luck" in outcome.out
    assert "The earlier finished result stays:" in outcome.out
    assert stored(tmp_path) == finished
    assert "already done" in call(*arguments).out
