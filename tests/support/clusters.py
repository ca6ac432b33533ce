"""Ray clusters on this machine, whose nodes come and go; without Ray their tests are skipped."""

import os
import signal
import time
from pathlib import Path

import pytest
from cli import PACKAGE

ray_cluster = pytest.importorskip("ray.cluster_utils", reason="needs Ray: pip install ray")

STORE_BYTES = 80 * 2**20
# The machine may have other things to do.
SECONDS = 900


def clusters(monkeypatch, modules):
    """Yields a function that starts a cluster of so many nodes, which import from `modules` too."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    # Ray's workers give way to all else on their machine, unless told otherwise.
    monkeypatch.setenv("RAY_worker_niceness", "0")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(modules), str(PACKAGE))))
    started = []

    def start(nodes):
        head = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": STORE_BYTES}
        cluster = ray_cluster.Cluster(initialize_head=True, head_node_args=head)
        started.append(cluster)
        return cluster, [add_node(cluster) for _ in range(nodes - 1)]

    yield start
    for cluster in started:
        cluster.shutdown()


def add_node(cluster):
    return cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES)


def descendants(pid):
    """The processes that a process has started, and they, in order."""
    parents = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(file.parent.name))
    found = [pid]
    for each in found:
        found += parents.get(each, [])
    return found[1:]


def arguments_of(pid):
    """The command line of a process; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


def wait_until(condition, running, seconds=600):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, running.read("err")
        time.sleep(0.005)
    return found


def lose(cluster, node):
    """End all processes of a node at once, as its machine's end does."""
    [raylet] = node.all_processes["raylet"]
    for pid in [raylet.process.pid, *descendants(raylet.process.pid)]:
        os.kill(pid, signal.SIGKILL)
    cluster.remove_node(node, allow_graceful=False)
