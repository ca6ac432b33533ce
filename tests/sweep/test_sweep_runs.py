"""Sweeps of real runs: killed and resumed, crashing beside others, and 1,000 runs of no work."""

import json
import os
import resource
import shlex
import signal
import sys
import time
from functools import partial

import pytest
from cli import call, essence, start_forked, start_process
from plugin_zoo import install
from rich.console import Console

from lnlbench.plugins import load_plugins
from lnlbench.results import ResultStore
from lnlbench.runner.directory import RunDirectory
from lnlbench.spec.expand import expand
from lnlbench.spec.grid import Grid
from lnlbench.sweep import process
from lnlbench.sweep.display import SweepDisplay
from lnlbench.sweep.engine import Sweep
from lnlbench.sweep.executor import Job
from lnlbench.sweep.local import LocalExecutor
from lnlbench.sweep.process import Limits

OVERRIDES = ("limit_train=300", "limit_test=100", "epochs=8")
SWEEP = (
    *(
        "sweep",
        "--track",
        "digits",
        "--method",
        "ce,label-smoothing",
        "--seeds",
        "2",
        "--jobs",
        "2",
    ),
    *(part for each in OVERRIDES for part in ("--override", each)),
)
RUN = (
    *("run", "--track", "digits", "--method", "ce,label-smoothing", "--seeds", "2", "--quiet"),
    *("--limit-train", "300", "--limit-test", "100", "--epochs", "8"),
)


def essences(folder):
    results, bad = ResultStore(folder / "leaderboards").load_all()
    assert bad == []
    return {result.fingerprint: essence(result.model_dump(mode="json")) for result in results}


def checkpoints(folder):
    return {path: path.stat().st_mtime_ns for path in (folder / "runs").rglob("checkpoint")}


def wait_for_progress(running, before):
    """Wait until a run of the sweep has written a checkpoint."""
    deadline = time.monotonic() + 250
    while checkpoints(running.folder) == before:
        assert time.monotonic() < deadline, running.read("err")
        time.sleep(0.005)


def test_a_sweep_that_was_stopped_and_killed_ends_as_if_it_had_not_been(tmp_path):
    calm, disturbed = tmp_path / "calm", tmp_path / "disturbed"
    assert call(*RUN, "--output", calm).code == 0
    # A group of its own, as a shell makes one for each command.
    start = partial(start_forked, *SWEEP, folder=disturbed, prepare=os.setpgrp)

    running = start()
    wait_for_progress(running, {})
    running.signal(signal.SIGINT)
    stopped = running.finish()
    assert stopped.code == 1, stopped.err
    assert "Stopping: 2 running keep their state" in stopped.out
    assert "Run the same command again to finish what is missing." in stopped.out
    assert "Traceback" not in stopped.err
    assert all(result["status"] == "done" for result in essences(disturbed).values())
    kept = checkpoints(disturbed)
    assert kept

    running = start()
    wait_for_progress(running, kept)
    os.killpg(running.pid, signal.SIGKILL)
    assert running.finish().code == -signal.SIGKILL

    last = start().finish()
    assert last.code == 0, last.out
    assert essences(disturbed) == essences(calm)
    assert len(essences(disturbed)) == 4
    again = start().finish()
    assert (again.code, "0 of 4 runs are missing" in again.out) == (0, True)
    logs = [path.read_text() for path in (disturbed / "runs").rglob("log.txt")]
    assert any("resumed at epoch" in text for text in logs)


CRASHING = """
import os
import signal
import lnlbench
from torch.nn.functional import cross_entropy

class Crashing(lnlbench.LossMethod):
    name = "crashing"
    reference = "Nobody (2026): a crash in the second epoch"

    def loss(self, network, batch, epoch):
        if epoch == 1:
            with open("attempts", "a") as file:
                file.write("x")
            os.kill(os.getpid(), signal.SIGKILL)
        return cross_entropy(network(batch.views[0]), batch.labels)

@lnlbench.hookimpl
def register_methods():
    return [Crashing]
"""


def test_a_crash_is_recorded_with_its_last_lines_and_touches_no_other_run(tmp_path):
    site, work = tmp_path / "site", tmp_path / "work"
    site.mkdir()
    install(site, "lnlbench-crashing", CRASHING)
    arguments = ("--method", "crashing,ce", "--track", "digits", "--jobs", "2", "--json")
    overrides = ("--override", "limit_train=100", "--override", "limit_test=50")
    running = start_process(
        *("sweep", *arguments, *overrides, "--override", "epochs=3"),
        folder=work,
        PYTHONPATH=str(site),
    )
    outcome = running.finish()
    assert outcome.code == 1, outcome.err
    crashing, ce = json.loads(outcome.out)["runs"]
    assert (crashing["state"], ce["state"]) == ("failed", "done")
    assert (work / "attempts").read_text() == "xx"

    result = json.loads((work / crashing["result_file"]).read_text())
    assert result["status"] == "failed"
    for text in (
        "SIGKILL",
        "attempt 2",
        "crashing · digits · seed 0: 3 epochs, resumed at epoch 2",
    ):
        assert text in result["error"]
    assert len(result["curves"]["test_accuracy"]) == 1
    assert result["cost"]["peak_memory_bytes"] is None
    assert crashing["rerun"] in outcome.err
    assert shlex.split(crashing["rerun"])[:3] == ["lnlbench", "run", "--resume"]


def test_a_run_that_another_process_executes_is_left_to_it(tmp_path):
    arguments = ("--method", "ce", "--track", "digits", "--override", "epochs=1")
    [spec] = expand(
        [Grid(method=["ce"], track=["digits"], override={"epochs": [1]})], load_plugins()
    )
    directory = RunDirectory.of_spec(tmp_path, spec)
    with directory.locked():
        outcome = call("sweep", *arguments, "--output", tmp_path, "--json")
    assert outcome.code == 1
    assert "1 run: 1 held by another process." in outcome.err
    [run] = json.loads(outcome.out)["runs"]
    assert run["state"] == "held"
    assert f"{directory.path} is in use: another process executes this run" in run["reason"]
    assert not (tmp_path / "leaderboards").exists()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_thousand_runs_of_no_duration(tmp_path, monkeypatch):
    """`pytest -m slow -s tests/sweep/test_sweep_runs.py` prints the time and memory per run."""
    count = 1000
    document = (
        "import json, sys; from pathlib import Path; "
        "Path(sys.argv[2]).write_text('x'); sys.stdout.write('{}')"
    )
    monkeypatch.setattr(process, "PROGRAM", (sys.executable, "-S", "-c", document))
    grid = Grid(method=["ce"], track=["digits"], seeds=list(range(count)))
    specs = expand([grid], load_plugins())
    marks = tmp_path / "marks"
    marks.mkdir()
    jobs = [
        Job(spec, RunDirectory.of_spec(tmp_path, spec), (str(marks / str(spec.seed)),))
        for spec in specs
    ]
    ended = []

    def record(job, reason):
        ended.append(job.spec.seed)
        return marks

    before = resource.getrusage(resource.RUSAGE_SELF)
    began = time.monotonic()
    executor = LocalExecutor(2, 1, [], Limits())
    Sweep(executor, SweepDisplay(Console(quiet=True), count), record, retries=0).run(jobs)
    seconds = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_SELF)
    own = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    sys.stdout.write(
        f"\n{count} runs: {1000 * seconds / count:.1f} ms each, {1000 * own / count:.1f} ms of the "
        f"sweep's own processor time; memory grew by "
        f"{(after.ru_maxrss - before.ru_maxrss) / 1024:.1f} MiB\n"
    )
    assert sorted(ended) == list(range(count))
    assert len(list(marks.iterdir())) == count
