"""Searches on a Ray cluster on this machine; skipped, and counted, without Ray or Optuna."""

import json

import pytest

pytest.importorskip("optuna", reason="needs Optuna: pip install 'lnlbench[search]'")

from cli import start_process
from clusters import SECONDS, add_node, arguments_of, clusters, descendants, lose, wait_until
from plugin_zoo import install

from lnlbench.results.tuning import read_tuning

# A step takes as long as the search says: what is lost in the middle of a trial is met there.
SLEEPER = """
import time
import lnlbench
from lnlbench.interface.params import SearchRange
from pydantic import Field
from torch.nn.functional import cross_entropy
from typing import Annotated

class Sleeper(lnlbench.LossMethod):
    name = "sleeper"
    reference = "Nobody (2026): it sleeps before each step"

    class Params(lnlbench.Params):
        pause: Annotated[float, SearchRange(0.05, 0.2)] = Field(0.1, description="Seconds.")

    def loss(self, network, batch, epoch):
        time.sleep(self.params.pause)
        return cross_entropy(network(batch.views[0]), batch.labels)

@lnlbench.hookimpl
def register_methods():
    return [Sleeper]
"""


@pytest.fixture
def modules(tmp_path):
    folder = tmp_path / "modules"
    folder.mkdir()
    install(folder, "lnlbench-sleeper", SLEEPER)
    return folder


@pytest.fixture
def start_cluster(monkeypatch, modules):
    yield from clusters(monkeypatch, modules)


def tune(folder, modules, method, trials, epochs, *executor):
    return start_process(
        *("tune", "--method", method, "--track", "digits", "--trials", trials, "--json"),
        *("--epochs", epochs, "--limit-train", 100, "--threads", 1, "--device", "cpu", *executor),
        folder=folder,
        PYTHONPATH=str(modules),
    )


def found(folder, outcome):
    assert outcome.code == 0, outcome.err
    document = json.loads(outcome.out)
    tuning = read_tuning(folder / document["recipe_file"])
    assert tuning.model_dump(mode="json") == document["recipe"]
    return tuning


@pytest.mark.timeout(3600)
def test_a_cluster_and_this_machine_find_the_same(start_cluster, modules, tmp_path):
    cluster, _ = start_cluster(nodes=1)
    on_ray = tune(
        *(tmp_path / "ray", modules, "gce", 3, 2, "--executor", "ray"),
        *("--address", cluster.address),
    )
    one = found(tmp_path / "ray", on_ray.finish(SECONDS))
    local = tune(tmp_path / "local", modules, "gce", 3, 2, "--jobs", 1)
    other = found(tmp_path / "local", local.finish(SECONDS))
    assert "as many at a time as the cluster has room for" in on_ray.read("err")
    assert (one.trials, one.failed) == (3, 0)
    differing = {"created", "wall_seconds"}
    assert one.model_dump(exclude=differing) == other.model_dump(exclude=differing)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_lost_node_costs_a_search_no_trial(start_cluster, modules, tmp_path):
    cluster, [second] = start_cluster(nodes=2)
    folder = tmp_path / "lost"
    running = tune(
        *(folder, modules, "sleeper", 6, 12, "--no-pruning", "--executor", "ray"),
        *("--address", cluster.address),
    )
    [raylet] = second.all_processes["raylet"]

    def in_the_middle():
        """The trial's folder among the arguments of a process of that node."""
        for pid in descendants(raylet.process.pid):
            arguments = arguments_of(pid)
            if "trial" in arguments:
                return arguments[arguments.index("trial") + 1]
        return None

    wait_until(in_the_middle, running)
    lose(cluster, second)
    add_node(cluster)
    tuning = found(folder, running.finish(SECONDS))
    assert (tuning.trials, tuning.failed) == (6, 0)
    assert running.read("err").count("Trying again") == 1
