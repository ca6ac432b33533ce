"""Every command that a page prints, read by `lnlbench run` again, gives the specs of its row."""

import json
import re
import shlex
from pathlib import Path

import pytest
from cli import SMALL, call, directory_of
from factories import run_result
from tuned import make_tuning

from lnlbench.leaderboard.repeat import commands
from lnlbench.leaderboard.table import build_tables, off_track_rows
from lnlbench.plugins import load_plugins
from lnlbench.results import ResultStore

ROOT = Path(__file__).parent.parent.parent


def rows_of(results):
    return [row for table in build_tables(results) for row in table.rows] + off_track_rows(results)


def specs_of(line):
    """The documents that a printed command makes, by seed."""
    program, *arguments = shlex.split(line)
    assert program == "lnlbench"
    done = call(*arguments, "--print-spec")
    assert done.code == 0, (line, done.err)
    specs = [json.loads(each) for each in done.out.splitlines()]
    return {spec["seed"]: spec for spec in specs}


def assert_repeats(row):
    found = [spec for line in commands(row) for spec in specs_of(line).items()]
    assert len(found) == len(dict(found))
    assert dict(found) == {run.seed: run.spec for run in row.finished or row.unfinished}


def test_every_committed_row(monkeypatch):
    monkeypatch.chdir(ROOT)
    results, _ = ResultStore(ROOT / "leaderboards").load_all()
    installed = load_plugins().methods
    rows = [row for row in rows_of(results) if row.method in installed]
    assert rows
    for row in rows:
        assert_repeats(row)


@pytest.mark.parametrize("seeds", [[0], [3], [0, 1], [2, 5]])
@pytest.mark.parametrize(
    ("method", "asked"),
    [
        ("ce", {}),
        ("gce", {"recipe": "native"}),
        ("gce", {"params": {"q": 0.5}}),
        ("dividemix", {"overrides": {"epochs": 7, "optimizer": {"lr": 0.3}, "noise": "clean"}}),
        ("dividemix", {"recipe": "native", "overrides": {"limit_train": 64, "validation": 0.2}}),
    ],
)
def test_rows_with_recipes_parameters_and_overrides(tmp_path, monkeypatch, method, asked, seeds):
    monkeypatch.chdir(tmp_path)
    store = ResultStore(Path("leaderboards"))
    for seed in seeds:
        store.save(run_result(method, seed, **asked))
    [row] = rows_of(store.load_all()[0])
    assert sorted(row.by_seed) == seeds
    assert_repeats(row)


def test_a_tuned_row_with_and_without_overrides(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = ResultStore(Path("leaderboards"))
    tuning = make_tuning()
    for overrides in ({}, {"epochs": 9}):
        for seed in (0, 1):
            store.save(run_result("gce", seed, tuning=tuning, overrides=overrides))
    rows = rows_of(store.load_all()[0])
    assert [row.overrides for row in rows] == [None, {"epochs": 9}]
    for row in rows:
        assert_repeats(row)


def command_of_report(folder):
    done = call("report", directory_of(folder).path, "--output", folder / "report.html")
    assert done.code == 0, done.err
    page = (folder / "report.html").read_text()
    [detail] = re.findall(r'-detail">(.*?)</script>', page)
    return json.loads(detail)["command"]


def test_a_report_on_a_run_with_overrides(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call("run", "--method", "ce", *SMALL, "--output", tmp_path).code == 0
    spec = json.loads((directory_of(tmp_path).path / "spec.json").read_text())
    assert specs_of(command_of_report(tmp_path)) == {spec["seed"]: spec}
