"""Attempts at runs through a store: their numbers, their states, and what waits or stops."""

import json
import os
import signal
from dataclasses import replace

import pytest
from factories import make_document
from rich.console import Console
from stores import Broken
from sweep_jobs import make_jobs

from lnlbench.errors import RunError
from lnlbench.sweep.display import SweepDisplay
from lnlbench.sweep.engine import Sweep
from lnlbench.sweep.executor import Ended
from lnlbench.sweep.process import Exit
from lnlbench.sweep.store import mirroring_executor
from lnlbench.sweep.store.lease import Lease
from lnlbench.sweep.store.mirroring_executor import MirroringExecutor, begun_runs


class Nodes:
    """An executor whose nodes have no folder in common with the driver."""

    def __init__(self, ends, slots=2):
        self.slots, self.ends = slots, ends
        self.started, self.running = [], []

    def start(self, job):
        self.started.append(job)
        self.running.append(job)

    def wait(self):
        job = self.running.pop(0)
        return [Ended(job, self.ends(job))]

    def progress(self):
        return []

    def stop(self):
        pass

    def kill(self):
        self.running.clear()


def exit_of(job, status="done", code=0):
    result = make_document("ce", job.spec.seed, track="digits", status=status)
    printed = json.dumps({"results": [{"result": result, "result_file": "x.json"}]})
    return Exit(code, printed, (), 1.0)


def sweep(site, nodes, count=1, retries=1):
    executor = MirroringExecutor(
        nodes, site.store, site.lease, site.results, site.output, site.said.append
    )
    recorded = []

    def record(job, reason):
        recorded.append((job, reason))
        return site.output / "failed.json"

    display = SweepDisplay(Console(quiet=True), count)
    jobs = make_jobs(site.output, count, "run")
    reports = Sweep(executor, display, record, retries).run(jobs)
    return {report.job.spec.seed: report for report in reports}, recorded, jobs


def test_results_of_nodes_are_kept_here_and_in_the_store(site, store):
    reports, _, jobs = sweep(site, Nodes(exit_of), count=3)
    assert {report.status for report in reports.values()} == {"done"}
    assert [report.job for _, report in sorted(reports.items())] == jobs
    assert len(site.files()) == 3
    assert {name: store.read(name) for name in store.names("leaderboards")} == site.files()


def test_each_attempt_has_a_number_and_goes_on_from_the_last_state(site, store):
    """Attempts 1 and 2 are lost, the second before it had a state; 3 is done."""

    def ends(job):
        _, url, run, number, *_ = job.arguments
        assert url == store.url
        if number == "1":
            store.write(f"{run}/attempt-0001/state.json", b"{}")
        return exit_of(job) if number == "3" else Exit(None, "", (), 1.0)

    nodes = Nodes(ends)
    reports, _, [job] = sweep(site, nodes, retries=2)
    assert reports[0].status == "done"
    run = job.directory.path.relative_to(site.output).as_posix()
    place = str(job.directory.path)
    assert [each.arguments for each in nodes.started] == [
        ("mirrored", store.url, run, number, source, place, "run", "0")
        for number, source in (("1", "0"), ("2", "1"), ("3", "1"))
    ]
    # What earlier attempts have left is of no use, and what a lost one still writes is not read.
    assert store.names(run) == [f"{run}/attempt-0003/spec.json"]
    assert store.read(f"{run}/attempt-0003/spec.json") == job.directory.spec_file.read_bytes()


def test_numbers_go_on_in_the_next_sweep(site, store):
    [job] = make_jobs(site.output, 1, "run")
    run = job.directory.path.relative_to(site.output).as_posix()
    for number in (4, 7, 9):
        store.write(f"{run}/attempt-{number:04}/spec.json", b"{}")
    store.write(f"{run}/attempt-0007/state.json", b"{}")
    store.write(f"{run}/notes.txt", b"mine")
    assert begun_runs(store, ["digits", "no-such-track"]) == {run}
    seen = []

    def ends(job):
        seen.append({name.removeprefix(f"{run}/") for name in store.names(run)})
        return exit_of(job, "interrupted", 1) if len(seen) == 1 else exit_of(job)

    nodes = Nodes(ends)
    sweep(site, nodes)
    assert [each.arguments[3:5] for each in nodes.started] == [("10", "7"), ("11", "7")]
    kept = {"attempt-0007/spec.json", "attempt-0007/state.json", "notes.txt"}
    assert seen == [kept | {"attempt-0010/spec.json"}, kept | {"attempt-0011/spec.json"}]
    assert "notes.txt" in store.names(run)[-1]


def test_where_the_data_lie_is_told_to_the_attempt(site, store):
    [job] = make_jobs(site.output, 1, "run")
    job = replace(job, locations={"root": "/data"})
    job.directory.write_spec(job.spec, job.locations)
    nodes = Nodes(exit_of)
    executor = MirroringExecutor(nodes, store, site.lease, site.results, site.output, pytest.fail)
    executor.start(job)
    executor.wait()
    [data] = [name for name in store.names("runs") if name.endswith("/data.json")]
    assert json.loads(store.read(data)) == {"root": "/data"}


def test_runs_wait_for_a_store_that_is_away_while_others_go_on(site, store, monkeypatch):
    monkeypatch.setattr(mirroring_executor, "RETRY_SECONDS", 0.0)
    nodes, tries = Nodes(exit_of), []

    def fails(name):
        if "-seed1-" in name and name.startswith("runs/"):
            tries.append(name)
            return len(tries) <= 2
        return False

    site.store.fails = fails
    reports, recorded, _ = sweep(site, nodes, count=3)
    assert {report.status for report in reports.values()} == {"done"}
    assert recorded == []
    assert sum("waits; running jobs continue" in said for said in site.said) == 2


def test_a_signal_ends_what_waits_for_a_store_that_is_away(site, store):
    def fails(name):
        if name.startswith("runs/"):
            os.kill(os.getpid(), signal.SIGINT)
            return True
        return False

    nodes = Nodes(exit_of)
    site.store.fails = fails
    reports, recorded, _ = sweep(site, nodes, count=2)
    assert [report.status for report in reports.values()] == ["interrupted", "interrupted"]
    assert nodes.started == recorded == []


def test_a_sweep_that_has_lost_its_store_to_another_stops(site, store):
    def ends(job):
        token = json.loads(store.read("sweep.lock"))["token"]
        Lease(store).acquire(take_over=token)
        return exit_of(job)

    with pytest.raises(RunError, match="was taken over by"):
        sweep(site, Nodes(ends, slots=1), count=2)
    assert store.names("leaderboards") == []


def test_an_attempt_that_another_sweep_has_begun_is_not_taken(site, store):
    class Behind(Broken):
        def names(self, folder):
            return []

    [job] = make_jobs(site.output, 1, "run")
    run = job.directory.path.relative_to(site.output).as_posix()
    store.write(f"{run}/attempt-0001/spec.json", b"theirs")
    site.store = Behind(store.url)
    with pytest.raises(RunError, match="another sweep works on this store"):
        sweep(site, Nodes(exit_of))
    assert store.read(f"{run}/attempt-0001/spec.json") == b"theirs"
