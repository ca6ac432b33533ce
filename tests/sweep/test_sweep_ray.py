"""Sweeps on a Ray cluster on this machine; skipped, and counted, without Ray.

`pytest -m slow -s tests/sweep/test_sweep_ray.py` loses a node of two, and prints times.
"""

import json
import resource
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest
from cli import essence, start_process
from clusters import SECONDS, add_node, arguments_of, clusters, descendants, lose, wait_until
from plugin_zoo import install, patient_source
from rich.console import Console

from lnlbench.errors import RunError
from lnlbench.plugins import load_plugins
from lnlbench.results import ResultStore
from lnlbench.runner.directory import RunDirectory
from lnlbench.spec.expand import expand
from lnlbench.spec.grid import Grid
from lnlbench.sweep.display import SweepDisplay
from lnlbench.sweep.engine import Sweep
from lnlbench.sweep.executor import Job
from lnlbench.sweep.process import Limits
from lnlbench.sweep.store.object_store import ObjectStore

OVERRIDES = ("limit_train=300", "limit_test=100", "epochs=12")


@pytest.fixture
def modules(tmp_path):
    """The folder in which the nodes find plugins and other modules."""
    folder = tmp_path / "modules"
    folder.mkdir()
    install(folder, "lnlbench-patient", patient_source(0.05))
    return folder


@pytest.fixture
def start_cluster(monkeypatch, modules):
    yield from clusters(monkeypatch, modules)


def start(folder, modules, command, *options):
    arguments = ("--track", "digits", "--method", "patient", *options)
    return start_process(command, *arguments, folder=folder, PYTHONPATH=str(modules))


def sweep(folder, modules, seeds, *executor):
    overrides = [part for each in OVERRIDES for part in ("--override", each)]
    options = ("--seeds", str(seeds), "--json", "--threads", "1", "--retries", "3")
    return start(folder, modules, "sweep", *overrides, *options, *executor)


def ray_sweep(cluster, folder, modules, seeds):
    return sweep(folder, modules, seeds, "--executor", "ray", "--address", cluster.address)


def undisturbed(folder, modules, seeds):
    """The results of one process that executes the runs one after the other."""
    overrides = [f"--{each.replace('_', '-')}" for each in OVERRIDES]
    outcome = start(folder, modules, "run", "--seeds", str(seeds), *overrides).finish(3000)
    assert outcome.code == 0, outcome.err
    return results_of(folder)


def results_of(folder):
    results, bad = ResultStore(folder / "leaderboards").load_all()
    assert bad == []
    return {result.fingerprint: essence(result.model_dump(mode="json")) for result in results}


def run_with_checkpoint(pids):
    """The directory of a run among these processes that is past its first epoch."""
    for pid in pids:
        arguments = arguments_of(pid)
        if "--spec" in arguments:
            directory = Path(arguments[arguments.index("--spec") + 1]).parent
            if (directory / "checkpoint").exists() and not (directory / "result.json").exists():
                return directory
    return None


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.0.0.1:first", "no-such-host.invalid:1"])
def test_a_cluster_that_is_not_there_is_reported_at_once(address):
    from lnlbench.sweep.cluster import RayExecutor

    with pytest.raises(RunError, match=f"Cannot reach the Ray cluster '{address}'.*ray start"):
        RayExecutor(address, None, 1, "cpu", 1, Limits())


@pytest.mark.timeout(3600)
def test_ray_and_local_processes_give_the_same_results(start_cluster, modules, tmp_path):
    cluster, _ = start_cluster(nodes=1)
    on_ray = ray_sweep(cluster, tmp_path / "ray", modules, 2).finish(SECONDS)
    locally = sweep(tmp_path / "local", modules, 2, "--jobs", "1").finish(SECONDS)
    for outcome in (on_ray, locally):
        assert outcome.code == 0, outcome.err
        assert [run["state"] for run in json.loads(outcome.out)["runs"]] == ["done", "done"]
    assert results_of(tmp_path / "ray") == results_of(tmp_path / "local")


@pytest.mark.timeout(3600)
def test_a_stopped_sweep_keeps_the_state_of_its_runs(start_cluster, modules, tmp_path):
    cluster, _ = start_cluster(nodes=1)
    folder = tmp_path / "stopped"
    running = ray_sweep(cluster, folder, modules, 2)
    wait_until(lambda: list((folder / "runs").rglob("checkpoint")), running)
    running.signal(signal.SIGINT)
    outcome = running.finish(SECONDS)
    assert outcome.code == 1, outcome.err
    assert "Stopping" in outcome.err
    [kept] = (folder / "runs").rglob("result.json")
    assert json.loads(kept.read_text())["status"] == "interrupted"
    outcome = ray_sweep(cluster, folder, modules, 2).finish(SECONDS)
    assert outcome.code == 0, outcome.err
    assert "resumed at epoch" in (kept.parent / "log.txt").read_text()
    assert results_of(folder) == undisturbed(tmp_path / "calm", modules, 2)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_lost_node_loses_no_run_and_changes_no_result(start_cluster, modules, tmp_path):
    count = 40
    cluster, [second] = start_cluster(nodes=2)
    folder = tmp_path / "disturbed"
    began = time.monotonic()
    running = ray_sweep(cluster, folder, modules, count)
    wait_until(lambda: len(list(folder.rglob("result.json"))) >= count // 4, running)
    [raylet] = second.all_processes["raylet"]
    lost = wait_until(lambda: run_with_checkpoint(descendants(raylet.process.pid)), running)
    lose(cluster, second)
    add_node(cluster)
    outcome = running.finish(3000)
    seconds = time.monotonic() - began
    assert outcome.code == 0, outcome.err
    states = [run["state"] for run in json.loads(outcome.out)["runs"]]
    assert states == ["done"] * count
    assert outcome.err.count(": done, ") == count
    assert outcome.err.count("Trying again") == 1
    assert "resumed at epoch" in (lost / "log.txt").read_text()
    resumed = [path for path in folder.rglob("log.txt") if "resumed at epoch" in path.read_text()]
    assert resumed == [lost / "log.txt"]
    sys.stdout.write(f"\n{count} runs, a node of two lost and another added: {seconds:.0f} s\n")
    assert results_of(folder) == undisturbed(tmp_path / "calm", modules, count)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_node_that_was_lost_with_its_disk_loses_no_run(start_cluster, modules, tmp_path):
    """The nodes of this machine share a disk: what the lost one had there is deleted."""
    cluster, [second] = start_cluster(nodes=2)
    folder = tmp_path / "scratch"
    store = ObjectStore(f"file://{tmp_path}/store")
    where = ("--executor", "ray", "--address", cluster.address, "--store", store.url)
    running = sweep(folder, modules, 4, *where)
    [raylet] = second.all_processes["raylet"]

    def uploaded():
        directory = run_with_checkpoint(descendants(raylet.process.pid))
        if directory is None:
            return None
        run = directory.relative_to(folder).as_posix()
        return directory if f"{run}/attempt-0001/state.json" in store.names(run) else None

    lost = wait_until(uploaded, running)
    lose(cluster, second)
    shutil.rmtree(lost)
    add_node(cluster)
    outcome = running.finish(SECONDS)
    assert outcome.code == 0, outcome.err
    assert [run["state"] for run in json.loads(outcome.out)["runs"]] == ["done"] * 4
    assert outcome.err.count("Trying again") == 1
    assert "resumed at epoch" in (lost / "log.txt").read_text()
    assert results_of(folder) == undisturbed(tmp_path / "calm", modules, 4)
    attempts = {name.split("/")[3]: name.split("/")[4] for name in store.names("runs")}
    assert sorted(attempts.values()) == ["attempt-0001"] * 3 + ["attempt-0002"]
    assert attempts[lost.name] == "attempt-0002"


# Every Python process of the cluster's nodes reads this: their runs do nothing.
NOTHING = """
import sys
from lnlbench.sweep import process
process.PROGRAM = (sys.executable, "-S", "-c", "import sys; from pathlib import Path; "
                   "Path(sys.argv[2]).write_text('x'); sys.stdout.write('{}')")
"""


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_thousand_runs_of_no_duration(start_cluster, modules, tmp_path):
    from lnlbench.sweep.cluster import RayExecutor

    count = 1000
    marks = tmp_path / "marks"
    marks.mkdir()
    (modules / "sitecustomize.py").write_text(NOTHING)
    cluster, _ = start_cluster(nodes=2)
    specs = expand(
        [Grid(method=["ce"], track=["digits"], seeds=list(range(count)))], load_plugins()
    )
    jobs = [
        Job(spec, RunDirectory.of_spec(tmp_path, spec), (str(marks / str(spec.seed)),))
        for spec in specs
    ]
    ended = []

    def record(job, reason):
        ended.append(job.spec.seed)
        return marks

    executor = RayExecutor(cluster.address, None, 1, "cpu", 1, Limits())
    before = resource.getrusage(resource.RUSAGE_SELF)
    began = time.monotonic()
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
