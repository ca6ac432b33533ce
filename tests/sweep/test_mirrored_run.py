"""A run beside its mirror: it ends as without one, waits for its state, and outlives the store."""

import signal
import sys

import pytest
from mirrors import RUN, fetched
from stores import Broken

from lnlbench.runner.seal import seal
from lnlbench.sweep import process
from lnlbench.sweep.store import mirrored_run
from lnlbench.sweep.store.mirror import Attempt
from lnlbench.sweep.store.mirrored_run import run_mirrored
from lnlbench.sweep.store.object_store import StoreError


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(mirrored_run, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(mirrored_run, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(mirrored_run, "DELAYS", (0.0, 0.0))
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


# A run that writes a checkpoint, waits until it has been noticed, and ends as it is told.
RUN_PROGRAM = """
import os, signal, sys, time
from pathlib import Path
sys.path[:0] = {path!r}
from lnlbench.runner.seal import seal
parent, folder, mark, end = sys.argv[1:]
assert int(parent) == os.getppid()
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
Path(folder, "new").write_bytes(seal(b"first"))
Path(folder, "new").replace(Path(folder, "checkpoint"))
while not list(Path(mark).rglob("state.json")):
    time.sleep(0.01)
{then}
"""


def start_run(store, folder, monkeypatch, then, mark):
    program = RUN_PROGRAM.format(path=sys.path, then=then)
    monkeypatch.setattr(process, "PROGRAM", (sys.executable, "-c", program))
    return run_mirrored(store, Attempt(RUN, 1, None), folder, (str(folder), str(mark), "x"))


@pytest.mark.parametrize(
    ("then", "code"),
    [
        ("sys.exit(3)", 3),
        ("os.kill(os.getpid(), 9)", -9),
        ("os.kill(os.getppid(), 15); time.sleep(60)", 7),
    ],
)
def test_a_run_is_mirrored_while_it_runs_and_ends_as_without(
    files, tmp_path, monkeypatch, quick, then, code
):
    here = tmp_path / "here"
    assert start_run(files, here, monkeypatch, then, tmp_path / "store") == code
    assert fetched(files, tmp_path / "there") == {"checkpoint": seal(b"first")}


def test_a_run_that_is_done_leaves_no_checkpoint_in_the_store(files, tmp_path, monkeypatch, quick):
    here = tmp_path / "here"
    then = "Path(folder, 'result.json').write_bytes(b'r')"
    assert start_run(files, here, monkeypatch, then, tmp_path / "store") == 0
    assert fetched(files, tmp_path / "there") == {"result.json": b"r"}


def test_a_run_waits_for_the_state_that_it_goes_on_from(files, tmp_path, monkeypatch, quick):
    broken, tries = Broken(files.url), []
    broken.fails = lambda name: len(tries) < 2 and not tries.append(name)
    then = "sys.exit(5)"
    assert start_run(broken, tmp_path / "here", monkeypatch, then, tmp_path / "store") == 5
    tries.clear()
    broken.fails = lambda name: not tries.append(name)
    with pytest.raises(StoreError, match="it is away"):
        start_run(broken, tmp_path / "here", monkeypatch, then, tmp_path / "store")
    assert len(tries) == 3


def test_a_store_that_is_away_does_not_end_a_run(files, tmp_path, monkeypatch, quick, capfd):
    broken = Broken(files.url)
    broken.fails = lambda name: "checkpoint" in name
    mark = tmp_path / "mark"
    mark.mkdir()
    (mark / "state.json").write_bytes(b"")
    then = "time.sleep(0.5)"
    assert start_run(broken, tmp_path / "here", monkeypatch, then, mark) == 0
    said = capfd.readouterr().err
    assert "it is away. The run continues" in said
    assert files.names(RUN) == []
    assert (tmp_path / "here" / "checkpoint").exists()
