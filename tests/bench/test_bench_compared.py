"""Options and methods that are timed in turns, and compared with the first."""

import json
from dataclasses import replace

import pytest
from benched import ONCE, PROTOCOL, bench
from cli import call

from lnlbench.bench import compare
from lnlbench.bench.compare import Task, time_in_turns
from lnlbench.bench.table import document_of, print_timings
from lnlbench.errors import UsageError
from lnlbench.methods.cross_entropy import CrossEntropy


class FakeWorker:
    """Stands for a process: takes turns, and notes them."""

    turns = None

    def __init__(self, task):
        self.task, self.timing, self.left = task, None, 3

    def receive(self):
        self.turns.append(f"{self.task.option} starts")

    def take_turn(self):
        self.turns.append(self.task.option)
        self.left -= 1
        if not self.left:
            self.timing = self.task.option
        return not self.left

    def end(self):
        self.turns.append("end")


def test_options_start_together_and_take_turns_epoch_by_epoch(monkeypatch):
    monkeypatch.setattr(compare, "_Worker", FakeWorker)
    monkeypatch.setattr(FakeWorker, "turns", [])
    tasks = [Task("ce", {}, PROTOCOL, ONCE, "cpu", option) for option in ("a", "b")]
    assert time_in_turns(tasks) == ["a", "b"]
    assert FakeWorker.turns == ["a starts", "b starts", *["a", "b"] * 3, "end", "end"]


def test_compared_options_run_in_processes_of_their_own(tmp_path):
    file = tmp_path / "bench.json"
    arguments = ("--method", "ce", "--track", "digits", "--samples", "40", "--repeats", "1")
    outcome = call("bench", *arguments, "--compare", "fp32,bf16", "--output", str(file))
    assert outcome.code == 0, outcome.err
    first, second = json.loads(file.read_text())["timings"]
    assert (first["option"], first["precision"], first["ratio_to_first"]) == ("fp32", "fp32", 1)
    assert (second["option"], second["precision"]) == ("bf16", "bf16")
    assert second["ratio_to_first"] > 0


def test_methods_are_timed_in_turns_and_compared_with_the_first(tmp_path):
    file = tmp_path / "bench.json"
    methods = ("--method", "ce", "--method", "label-smoothing", "--in-turns")
    arguments = (*methods, "--track", "digits", "--samples", "40", "--repeats", "1")
    outcome = call("bench", *arguments, "--output", str(file))
    assert outcome.code == 0, outcome.err
    assert "× first" in outcome.out
    first, second = json.loads(file.read_text())["timings"]
    assert (first["method"], first["ratio_to_first"]) == ("ce", 1)
    assert second["method"] == "label-smoothing"
    assert second["ratio_to_first"] == second["epochs"][0] / first["epochs"][0]


def test_what_a_process_raises_is_raised_here():
    task = Task("no-such-method", {}, PROTOCOL, ONCE, "cpu")
    with pytest.raises(UsageError, match="no-such-method"):
        time_in_turns([task])


def test_ratios_to_the_first_option_are_round_by_round(capsys):
    timing = replace(bench(CrossEntropy), option="fp32", epochs=(1.0, 2.0, 4.0))
    other = replace(timing, option="bf16", epochs=(2.0, 2.0, 2.0))
    assert document_of([[timing], [other]])["timings"][1]["ratio_to_first"] is None
    entries = document_of([[timing, other]])["timings"]
    assert [entry["ratio_to_first"] for entry in entries] == [1.0, 1.0]
    other = replace(other, epochs=(2.0, 4.0, 4.0))
    assert document_of([[timing, other]])["timings"][1]["ratio_to_first"] == 2.0
    print_timings([[timing, other]])
    assert "first" in capsys.readouterr().out
    print_timings([])
    assert "nothing to time" in capsys.readouterr().out
