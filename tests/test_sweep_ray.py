"""Sweeps on a Ray cluster of two nodes on this machine; skipped, and counted, without Ray."""

import json
import signal
import time

import pytest
from cli import PACKAGE, call, essence, start_process

from lnlbench.results import ResultStore

ray_cluster = pytest.importorskip("ray.cluster_utils", reason="needs Ray: pip install ray")

LIMITS = ("--limit-train", "300", "--limit-test", "100", "--epochs", "12")
RUN = ("run", "--track", "digits", "--method", "ce", "--seeds", "4", "--quiet", *LIMITS)
SWEEP = (
    *("sweep", "--executor", "ray", "--track", "digits", "--method", "ce", "--seeds", "4"),
    *("--threads", "1", "--retries", "3", "--json", "--override", "limit_train=300"),
    *("--override", "limit_test=100", "--override", "epochs=12"),
)


def results_of(folder):
    results, bad = ResultStore(folder / "leaderboards").load_all()
    assert bad == []
    return {result.fingerprint: essence(result.model_dump(mode="json")) for result in results}


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    folder = tmp_path_factory.mktemp("calm")
    assert call(*RUN, "--output", folder).code == 0
    return results_of(folder)


@pytest.fixture
def cluster(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(PACKAGE))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    arguments = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 80 * 2**20}
    nodes = ray_cluster.Cluster(initialize_head=True, head_node_args=arguments)
    yield nodes
    nodes.shutdown()


def add_node(cluster):
    return cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20)


def start(cluster, folder):
    return start_process(*SWEEP, "--address", cluster.address, folder=folder)


def wait_for_checkpoints(running, count, seconds=120):
    deadline = time.monotonic() + seconds
    while len(list((running.folder / "runs").rglob("checkpoint"))) < count:
        assert time.monotonic() < deadline, running.read("err")
        time.sleep(0.01)


def test_a_lost_node_loses_no_run_and_changes_no_result(cluster, calm, tmp_path):
    second = add_node(cluster)
    running = start(cluster, tmp_path)
    wait_for_checkpoints(running, 2)
    cluster.remove_node(second, allow_graceful=False)
    add_node(cluster)
    outcome = running.finish()
    assert outcome.code == 0, outcome.err
    assert {run["state"] for run in json.loads(outcome.out)["runs"]} == {"done"}
    assert "Trying again" in outcome.err
    assert results_of(tmp_path) == calm


def test_a_stopped_sweep_keeps_the_state_of_its_runs(cluster, calm, tmp_path):
    running = start(cluster, tmp_path)
    wait_for_checkpoints(running, 1)
    running.signal(signal.SIGINT)
    outcome = running.finish()
    assert outcome.code == 1, outcome.err
    assert "Stopping" in outcome.err
    [kept] = (tmp_path / "runs").rglob("result.json")
    assert json.loads(kept.read_text())["status"] == "interrupted"
    outcome = start(cluster, tmp_path).finish()
    assert outcome.code == 0, outcome.err
    assert results_of(tmp_path) == calm
