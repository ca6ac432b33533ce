"""Sweeps over the data sets of plugins: pinned in the specs, and found by each run."""

import json
import shlex
import sys

import pytest
from cli import call, stored
from plugin_zoo import SHADES, install

TINY = ("--track", "digits", "--method", "ce", "--override", "epochs=1")
ON_SHADES = (*TINY, "--override", "dataset=shades")


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A working directory with two folders of data, beside an installed plugin that reads them."""
    site = tmp_path / "site"
    site.mkdir()
    install(site, "lnlbench-shades", SHADES)
    for name, offset in (("one", "0"), ("two", "9")):
        (tmp_path / "work" / name).mkdir(parents=True)
        (tmp_path / "work" / name / "offset.txt").write_text(offset)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.chdir(tmp_path / "work")
    yield tmp_path / "work"
    for name in [name for name in sys.modules if name.startswith("lnlbench_")]:
        if str(sys.modules[name].__file__).startswith(str(site)):
            del sys.modules[name]


def command(work, *arguments):
    return call(*arguments, PYTHONPATH=str(work.parent / "site"))


def specs_below(folder):
    return [json.loads(path.read_text()) for path in sorted(folder.rglob("spec.json"))]


def test_runs_of_a_sweep_find_data_that_were_given_by_a_relative_path(work):
    outcome = command(work, "sweep", *ON_SHADES, "--set-data", "root=one", "--output", "out")
    assert outcome.code == 0, outcome.err
    result = stored(work / "out")
    assert (result["status"], result["data"]["dataset"]) == ("done", "shades")
    again = command(work, "sweep", *ON_SHADES, "--set-data", "root=one", "--output", "out")
    assert (again.code, "0 of 1 runs are missing" in again.out) == (0, True)


def test_each_value_of_a_setting_is_a_data_set_that_its_line_of_the_plan_finds(work, monkeypatch):
    (work / "sweep.toml").write_text(
        '[[grid]]\ntrack = "digits"\nmethod = "ce"\noverride.epochs = 1\n'
        'override.dataset = "shades"\nset_data.root = ["one", "two"]\n'
    )
    outcome = command(work, "plan", "sweep.toml", "--output", work / "out")
    assert outcome.code == 0, outcome.err
    lines = [shlex.split(line) for line in outcome.out.splitlines()]
    pinned = {spec["protocol"]["data"]["sha256"] for spec in specs_below(work / "out")}
    assert (len(lines), len(pinned)) == (2, 2)
    # The place is no part of the spec; a run elsewhere is told it by its directory.
    assert str(work) not in json.dumps(specs_below(work / "out"))
    assert all(spec["protocol"]["data"]["settings"] == {"size": 8} for spec in specs_below(work))
    elsewhere = work.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    outcome = command(work, *lines[1][1:])
    assert outcome.code == 0, outcome.err
    assert stored(work / "out")["spec"]["protocol"]["data"]["sha256"] in pinned


CRASHING = """
import os
import signal
import lnlbench

class Crashing(lnlbench.LossMethod):
    name = "crashing"
    reference = "Nobody (2026): a crash at once"

    def loss(self, network, batch, epoch):
        os.kill(os.getpid(), signal.SIGKILL)

@lnlbench.hookimpl
def register_methods():
    return [Crashing]
"""


def test_a_crash_on_a_plugins_data_is_recorded(work):
    install(work.parent / "site", "lnlbench-crashing", CRASHING)
    arguments = [each.replace("ce", "crashing") if each == "ce" else each for each in ON_SHADES]
    given = ("--set-data", "root=one", "--retries", "0", "--output", "out")
    outcome = command(work, "sweep", *arguments, *given)
    assert outcome.code == 1, outcome.err
    result = stored(work / "out")
    assert (result["status"], result["data"]["dataset"]) == ("failed", "shades")
    assert "SIGKILL" in result["error"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((*TINY, "--set-data", "root=one"), "--dataset image-folder"),
        (ON_SHADES, "root"),
        ((*ON_SHADES, "--set-data", "root=one", "--set-data", "sise=9"), "Did you mean 'size'"),
        (("sweep.toml", "--set-data", "root=one"), "--set-data, --override"),
    ],
)
def test_a_wrong_request_is_explained(work, arguments, reason):
    outcome = command(work, "plan", *arguments)
    assert outcome.code == 2
    assert reason in outcome.err
    assert "Traceback" not in outcome.err
    assert not (work / "runs").exists()
