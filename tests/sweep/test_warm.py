"""Runs forked from a warm server: equal to fresh processes, and as easy to stop, limit and kill."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli import environment, essence
from plugin_zoo import install, patient_source

from lnlbench.sweep import warm
from lnlbench.sweep.process import Limits, RunProcess, start_fresh
from lnlbench.sweep.warm import WarmProcesses

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks such a process")
SHORT = ("--track", "digits", "--limit-train", "200", "--limit-test", "100", "--epochs", "2")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with a plugin whose steps take long."""
    folder = tmp_path_factory.mktemp("site")
    install(folder, "lnlbench-patient", patient_source(0.5))
    return folder


@pytest.fixture(scope="module")
def variables(site, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    return environment(PYTHONPATH=str(site), LNLBENCH_CACHE_DIR=str(cache), OMP_NUM_THREADS="2")


@pytest.fixture(scope="module")
def processes():
    """One server for all tests: to start one takes seconds."""
    found = WarmProcesses()
    yield found
    found.close()


@pytest.fixture
def run(tmp_path, variables, processes):
    """Starts `lnlbench run` in a fork, or by another way."""
    started = []

    def start(method, folder, start=processes.start, limits=None):
        place = ("--method", method, "--output", str(tmp_path / folder), "--json")
        arguments = ("run", *SHORT, *place)
        log = tmp_path / folder / "log"
        started.append(RunProcess(log, arguments, limits or Limits(), variables, start))
        return started[-1]

    yield start
    for each in started:
        each.kill()


def finish(process, seconds=300):
    deadline = time.monotonic() + seconds
    while (end := process.poll()) is None:
        assert time.monotonic() < deadline, process.log.read_text()
        time.sleep(0.02)
    return end


def wait_for_steps(process):
    """Wait until the run has printed its title: then its steps begin."""
    deadline = time.monotonic() + 300
    while "patient" not in process.log.read_text():
        assert process.poll() is None and time.monotonic() < deadline, process.log.read_text()
        time.sleep(0.02)


def wait_until(true, seconds=120):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def threads(process):
    """The names of a process's threads; those of libraries may have their own."""
    tasks = Path(f"/proc/{process._process.pid}/task").glob("*/comm")
    names = [each.read_text().strip() for each in tasks]
    return [name for name in names if name != "jemalloc_bg_thd"]


def result_of(end):
    assert end.code == 0, end.lines
    [printed] = json.loads(end.output)["results"]
    return printed["result"]


def test_a_fork_computes_what_a_fresh_process_does_and_uses_its_threads(run):
    process = run("ce", "forked")
    assert not isinstance(process._process, subprocess.Popen)
    forked = result_of(finish(process))
    fresh = result_of(finish(run("ce", "fresh", start_fresh)))
    assert essence(forked) == essence(fresh)
    assert forked["environment"]["threads"] == 2


def test_a_fork_is_killed_alone(run):
    first, second = run("patient", "first"), run("patient", "second")
    wait_for_steps(second)
    wait_for_steps(first)
    # Besides the main thread and the one that watches the parent, one computes in parallel.
    wait_until(lambda: len(threads(second)) >= 3)
    first.kill()
    assert finish(first).code == -signal.SIGKILL
    assert second.poll() is None
    second.stop()
    assert json.loads(finish(second).output)["results"][0]["result"]["status"] == "interrupted"


def test_limits_hold_for_a_fork(run):
    late = run("patient", "late", limits=Limits(seconds=1.0))
    large = run("patient", "large", limits=Limits(memory=1))
    assert finish(late).limit == "the time limit of 1 s was reached"
    assert "memory limit" in (finish(large).limit or "")


def test_a_changed_file_makes_another_server(run, processes, site):
    finish(run("ce", "before"))
    first = processes._servers[-1]
    [module] = site.glob("*.py")
    module.write_text(module.read_text() + "\n# another version\n")
    finish(run("ce", "after"))
    assert processes._servers[-1] is not first


def test_a_server_that_dies_ends_its_runs_and_is_replaced(run, processes):
    running = run("patient", "running")
    wait_for_steps(running)
    processes._servers[-1]._process.kill()
    assert finish(running).code == -signal.SIGKILL
    assert finish(run("ce", "later")).code == 0


def test_without_a_fork_processes_are_fresh(run, processes, monkeypatch):
    monkeypatch.setattr(warm.sys, "platform", "darwin")
    other = WarmProcesses()
    process = run("ce", "fresh", other.start)
    assert isinstance(process._process, subprocess.Popen)


def test_the_server_and_its_runs_end_with_the_sweep(site, tmp_path, variables):
    program = f"""
import json, os, sys, time
from pathlib import Path
from lnlbench.sweep.process import Limits, RunProcess
from lnlbench.sweep.warm import WarmProcesses
arguments = ("run", *{SHORT!r}, "--method", "patient", "--output", {str(tmp_path)!r})
processes = WarmProcesses()
run = RunProcess(Path({str(tmp_path / "log")!r}), arguments, Limits(), os.environ, processes.start)
print(run._process.pid, processes._servers[-1]._process.pid, flush=True)
time.sleep(600)
"""
    sweep = subprocess.Popen(
        [sys.executable, "-c", program], env=variables, stdout=subprocess.PIPE, text=True
    )
    assert sweep.stdout is not None
    pids = [int(each) for each in sweep.stdout.readline().split()]
    sweep.kill()
    sweep.wait()
    deadline = time.monotonic() + 60
    while any(_runs(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _runs(pid):
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
