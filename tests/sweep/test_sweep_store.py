"""Sweeps of real runs whose output is a store: runs are lost with their machine, and resumed."""

import json
import os
import shutil
import signal
import time

import pytest
from cli import call, essence, start_process
from plugin_zoo import install, patient_source
from stores import make_store

from lnlbench.results import ResultStore

PATIENT = patient_source(0.1)
RUN = ("--track", "digits", "--method", "patient", "--seeds", "1")
# The machine may have other things to do.
SECONDS = 400
OVERRIDES = ("limit_train=200", "limit_test=50", "epochs=8")


def essences(folder):
    results, bad = ResultStore(folder / "leaderboards").load_all()
    assert bad == []
    return {result.fingerprint: essence(result.model_dump(mode="json")) for result in results}


def wait_until(condition, running, seconds=SECONDS):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, running.read("err")
        time.sleep(0.02)
    return found


@pytest.fixture(params=["file", pytest.param("s3", marks=pytest.mark.slow)])
def store(request, tmp_path, monkeypatch):
    yield from make_store(request.param, tmp_path, monkeypatch)


@pytest.mark.timeout(1800)
def test_a_sweep_that_was_lost_with_its_disk_goes_on_from_the_store(store, tmp_path, monkeypatch):
    site, node, other = tmp_path / "site", tmp_path / "node", tmp_path / "other"
    site.mkdir()
    install(site, "lnlbench-patient", PATIENT)
    monkeypatch.syspath_prepend(site)
    overrides = [part for each in OVERRIDES for part in ("--override", each)]
    arguments = ("sweep", *RUN, *overrides, "--store", store.url, "--threads", "1", "--json")

    def sweep(folder, *more):
        return call(*arguments, "--output", folder, *more, PYTHONPATH=str(site))

    running = start_process(*arguments, folder=node, PYTHONPATH=str(site))
    wait_until(lambda: any(name.endswith("/state.json") for name in store.names("runs")), running)
    os.kill(running.pid, signal.SIGKILL)
    running.finish()
    shutil.rmtree(node)

    refused = sweep(other)
    assert refused.code == 2
    assert "Another sweep writes to" in refused.err
    token = refused.err.split("--take-over ")[1].split()[0]
    assert not other.exists()

    outcome = sweep(other, "--take-over", token)
    assert outcome.code == 0, outcome.err
    assert "1 of 1 runs are missing (1 resumable)" in outcome.err
    [log] = (other / "runs").rglob("log.txt")
    assert "resumed at epoch" in log.read_text()
    flags = [f"--{each.replace('_', '-')}" for each in OVERRIDES]
    assert call("run", *RUN, *flags, "--output", tmp_path / "calm").code == 0
    assert essences(other) == essences(tmp_path / "calm") != {}

    results = (other / "leaderboards" / "results").rglob("*.json")
    held = {path.relative_to(other).as_posix(): path.read_bytes() for path in results}
    assert {name: store.read(name) for name in store.names("leaderboards")} == held
    assert store.read("sweep.lock") is None
    assert not any("checkpoint" in name for name in store.names("runs"))
    # Only the attempt that counts is left.
    assert {name.split("/")[4] for name in store.names("runs")} == {"attempt-0002"}

    again = sweep(tmp_path / "third", "--dry-run")
    assert [run["state"] for run in json.loads(again.out)["runs"]] == ["done"]
    assert essences(tmp_path / "third") == essences(other)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--store", "bucket"), "is not the URL of a store"),
        (("--store", "s3://me:SECRET@bucket"), "Give credentials in the environment"),
        (("--store", "file:///dev/null/x"), "Cannot read file:///dev/null/x/sweep.lock"),
        (("--take-over", "1a2b"), "give --store, too"),
    ],
)
def test_what_is_wrong_with_a_store_is_said_before_anything_runs(tmp_path, options, message):
    arguments = ("sweep", "--method", "ce", "--track", "digits", "--output", tmp_path / "out")
    outcome = call(*arguments, *options)
    assert outcome.code in (1, 2)
    assert message in outcome.err
    assert "SECRET" not in outcome.out + outcome.err
    assert "Traceback" not in outcome.err
    assert not (tmp_path / "out").exists()
