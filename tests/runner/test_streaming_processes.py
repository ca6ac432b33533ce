"""Streamed runs as commands: pinned like those in memory, killed with their workers, resumed."""

import json
import os
import signal
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from cli import call, directory_of, essence, start_forked, stored
from plugin_zoo import install
from streamed import held_dataset, in_files

from lnlbench.plugins import load_plugins
from lnlbench.spec.grid_data import GridData
from lnlbench.spec.run_spec import build_spec

PLUGIN = """
from pathlib import Path

import numpy as np
import torch

import lnlbench


class Settings(lnlbench.Params):
    root: Path
    stream: bool = False


def decode(file):
    return np.fromfile(file, np.uint8).reshape(3, 8, 8)


def load(settings):
    parts = []
    for part, count in (("train", 200), ("test", 70)):
        files = [settings.root / part / f"{number}.bin" for number in range(count)]
        images = lnlbench.ImageFiles(files, decode, (3, 8, 8), "bytes as they are")
        parts += [images if settings.stream else images.read(), torch.arange(count) % 4]
    mean, std = (0.35,) * 3, (0.2,) * 3
    return lnlbench.Dataset("files", *parts, ("a", "b", "c", "d"), mean, std)


@lnlbench.hookimpl
def register_datasets():
    return [lnlbench.DataSource("files", "files of bytes", Settings, load, reading=("stream",))]
"""

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "root"
    held = held_dataset()
    in_files(held.train_images, folder / "train")
    in_files(held.test_images, folder / "test")
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    install(folder, "lnlbench-files", PLUGIN)
    return folder


@pytest.fixture(scope="module")
def variables(site, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    return {"SITE": str(site), "LNLBENCH_WORKERS": "2", "LNLBENCH_CACHE_DIR": str(cache)}


def prepare(variables):
    os.environ.update(variables)
    sys.path.insert(0, variables["SITE"])


def execute(arguments, folder, variables):
    """Start a command in a process of its own, to which the plugin is installed."""
    return start_forked(*arguments, folder=folder, prepare=partial(prepare, variables))


def command(root, stream, *more):
    data = ("--dataset", "files", "--set-data", f"root={root}", "--set-data", f"stream={stream}")
    noise = ("--noise", "symmetric:0.4", "--batch-size", "8", "--epochs", "6")
    return ("run", "--track", "digits", "--method", "ce", *data, *noise, *more)


@pytest.fixture(scope="module")
def expected(root, variables, tmp_path_factory):
    """The result of an undisturbed run, on images in memory."""
    folder = tmp_path_factory.mktemp("calm")
    done = execute(command(root, "false", "--quiet"), folder, variables).finish()
    assert done.code == 0, done.err
    return essence(stored(folder))


def workers_of(pid):
    """The processes that a process has started and that have not ended."""
    found = []
    with suppress(OSError):
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            found += [int(child) for child in children.read_text().split()]
    return found


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for_workers(running):
    deadline = time.monotonic() + 120
    while len(found := workers_of(running.pid)) < 2:
        assert time.monotonic() < deadline, running.read("err")
        time.sleep(0.005)
    return found


def started(root, folder, variables):
    running = execute(command(root, "true"), folder, variables)
    running.wait_for("epoch 2/")
    return running, wait_for_workers(running)


def finish(folder, variables):
    """Resume the run from the folder that it remembers, and return its result."""
    directory = directory_of(folder)
    assert directory.read_locations()["stream"] == "True"
    done = execute(("run", "--resume", directory.path, "--quiet"), folder, variables).finish()
    assert done.code == 0, done.err
    return essence(stored(folder))


def test_workers_end_with_a_killed_run_which_then_ends_as_if_it_had_not_been(
    root, expected, variables, tmp_path
):
    running, workers = started(root, tmp_path, variables)
    running.signal(signal.SIGKILL)
    assert running.finish().code == -signal.SIGKILL
    deadline = time.monotonic() + 60  # of a loaded machine; else it is a moment
    while any(map(is_alive, workers)):
        assert time.monotonic() < deadline, "workers outlive their run"
        time.sleep(0.02)
    assert finish(tmp_path, variables) == expected


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_to_the_whole_group_interrupts(root, expected, variables, tmp_path, name):
    running, workers = started(root, tmp_path, variables)
    for pid in (running.pid, *workers):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.Signals[name])
    outcome = running.finish()
    assert outcome.code == 1
    assert "interrupted" in outcome.out, outcome
    assert not any(map(is_alive, workers))
    if name == "SIGTERM":
        assert finish(tmp_path, variables) == expected


def test_how_the_data_are_read_is_no_part_of_the_spec(root, variables, monkeypatch):
    monkeypatch.syspath_prepend(variables["SITE"])
    cache = {"LNLBENCH_CACHE_DIR": variables["LNLBENCH_CACHE_DIR"]}
    printed = [call(*command(root, each, "--print-spec"), **cache) for each in ("true", "false")]
    assert printed[0].code == 0, printed[0].err
    assert printed[0].out == printed[1].out
    assert json.loads(printed[0].out)["protocol"]["data"]["settings"] == {}


def test_a_sweep_tells_its_runs_how_the_data_are_read(root, variables, monkeypatch):
    monkeypatch.syspath_prepend(variables["SITE"])
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", variables["LNLBENCH_CACHE_DIR"])
    plugins = load_plugins()
    data = GridData(plugins)
    fields = data.overrides("files", {"root": str(root), "stream": True}, "clean")
    overrides = {"dataset": "files", "noise": "clean", **fields}
    spec = build_spec(plugins.method("ce"), "digits", overrides=overrides)
    assert data.locations(spec) == {"root": str(root), "stream": "True"}
