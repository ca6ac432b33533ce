"""Two hundred kills at seeded random moments: nothing lost, doubled, different or left over."""

import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from frozen import FROZEN, weights_file
from kills import Attack, Door
from loopback import archive, md5, offer, serving
from registry import BUILTIN
from tiny import quick_params

from lnlbench.data.sources import SOURCES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(7200),
    pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="looks for processes in /proc"),
]
TRACK = ("--track", "digits")


def runs():
    def parameters(name):
        settings = quick_params(BUILTIN[name])
        return [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]

    limits = ("--limit-train", "200", "--limit-test", "100", "--epochs", "3")
    return [("run", "--method", name, *TRACK, *limits, *parameters(name)) for name in BUILTIN]


def test_runs_of_every_method(tmp_path, capsys):
    attack(Door("run", runs(), 112), tmp_path, capsys)


def test_sweeps(tmp_path, capsys):
    limits = ("limit_train=100", "limit_test=50", "epochs=3")
    overrides = [part for each in limits for part in ("--override", each)]
    command = ("sweep", "--method", "ce", *TRACK, "--seeds", "2", "--jobs", "2", *overrides)
    attack(Door("sweep", [command], 8), tmp_path, capsys)


def test_searches(tmp_path, capsys):
    pytest.importorskip("optuna", reason="needs Optuna: pip install 'lnlbench[search]'")
    limits = ("--limit-train", "100", "--epochs", "3", "--trials", "2", "--jobs", "1")
    attack(Door("tune", [("tune", "--method", "gce", *TRACK, *limits)], 6), tmp_path, capsys)


def test_embeddings(tmp_path, capsys):
    file = weights_file(tmp_path)
    network = ("--backbone", FROZEN["backbone"], "--image-size", "32", "--weights", str(file))
    attack(Door("embed", [("embed", *TRACK, *network)], 14), tmp_path, capsys)


def test_downloads(tmp_path, capsys):
    with serving() as server:
        server.pause = 0.01
        sources = []
        for source in SOURCES["cifar100"]:
            content = os.urandom(500_000)
            if source.archive:
                content = archive((name, os.urandom(500_000)) for name in source.files)
            path = "/" + source.url.rpartition("/")[2]
            server.files[path] = content
            sources.append(replace(source, url=server.url + path, checksum=md5(content)))
        door = Door(
            "data fetch",
            [("data", "fetch", "cifar100")],
            60,
            partial(offer, "cifar100", sources),
        )
        attack(door, tmp_path, capsys)


def attack(door, folder, capsys):
    count = Attack(door, folder).run()
    faults = {kind: len(found) for kind, found in count.faults.items()}
    with capsys.disabled():
        print(f"\n{door.name}: {count.kills}, written {count.written}, ", end="")  # noqa: T201
        print(f"{count.unfinished} left something unfinished; faults: {faults}", flush=True)  # noqa: T201
    assert not any(count.faults.values()), count.faults
