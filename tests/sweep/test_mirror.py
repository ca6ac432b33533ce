"""The mirror of a run's directory in a store: whole states, whatever interrupts it."""

import json
import signal
import sys

import pytest
from stores import Broken, make_store

from lnlbench.errors import HeldError, RunError
from lnlbench.runner.lock import directory_lock
from lnlbench.runner.seal import seal, unseal
from lnlbench.sweep import process
from lnlbench.sweep.store import mirrored_run
from lnlbench.sweep.store.mirror import Attempt, Mirror
from lnlbench.sweep.store.mirrored_run import run_mirrored
from lnlbench.sweep.store.object_store import ObjectStore, StoreError

RUN = "runs/digits/ce/matched-seed0-1a2b3c4d"


@pytest.fixture(params=["file", "s3"])
def store(request, tmp_path, monkeypatch):
    yield from make_store(request.param, tmp_path, monkeypatch)


@pytest.fixture
def files(tmp_path):
    return ObjectStore(f"file://{tmp_path}/store")


def write(folder, **contents):
    """Replace files of a run's directory as a run does; its checkpoint is sealed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        data = seal(content) if name == "checkpoint" else content
        (folder / "new").write_bytes(data)
        (folder / "new").replace(folder / name.replace("_", "."))


def fetched(store, folder, source=1):
    """What another machine has of the run after it has fetched the state of an attempt."""
    Mirror(store, Attempt(RUN, source + 1, source), folder).fetch()
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def test_a_state_comes_back_whole_on_another_machine(store, tmp_path):
    here = tmp_path / "here"
    store.write(f"{RUN}/attempt-0001/spec.json", b"{}")
    store.write(f"{RUN}/attempt-0001/data.json", b"[]")
    mirror = Mirror(store, Attempt(RUN, 1, None), here)
    mirror.fetch()
    assert (here / "spec.json").read_bytes() == b"{}"
    assert (here / "data.json").read_bytes() == b"[]"
    assert not mirror.upload_checkpoint()
    write(here, checkpoint=b"one", mentor_safetensors=b"m", log_txt=b"said")
    (here / "below").mkdir()
    (here / "below" / "events").write_bytes(b"e")
    (here / ".hidden").write_bytes(b"h")
    assert mirror.upload_checkpoint()
    assert not mirror.upload_checkpoint()
    expected = {
        "checkpoint": seal(b"one"),
        "mentor.safetensors": b"m",
        "below/events": b"e",
    }
    assert fetched(store, tmp_path / "there") == expected

    write(here, checkpoint=b"two")
    mirror.upload_checkpoint()
    write(here, result_json=b"{}")
    mirror.upload_end(done=False)
    changed = {"checkpoint": seal(b"two"), "result.json": b"{}"}
    assert fetched(store, tmp_path / "there") == expected | changed
    # Of each file one object, beside what the driver gave and the state.
    assert len(store.names(RUN)) == 3 + len(expected | changed) + len(["log.txt"])

    mirror.upload_end(done=True)
    assert not any("checkpoint" in name for name in store.names(RUN))
    assert any(name.endswith("-log.txt") for name in store.names(RUN))


@pytest.mark.parametrize("writes", range(6))
def test_an_upload_that_ends_between_its_pieces_leaves_the_state_of_before(files, tmp_path, writes):
    here = tmp_path / "here"
    broken = Broken(files.url)
    mirror = Mirror(broken, Attempt(RUN, 1, None), here)
    write(here, checkpoint=b"old", a_safetensors=b"old", b_safetensors=b"kept")
    mirror.upload_checkpoint()
    before = fetched(files, tmp_path / "before")

    write(here, checkpoint=b"new", a_safetensors=b"new")
    left = iter(range(writes))
    broken.fails = lambda name: next(left, None) is None
    try:
        mirror.upload_checkpoint()
        interrupted = False
    except StoreError:
        interrupted = True
    # A checkpoint, a file, the state; then two old objects are removed.
    assert interrupted == (writes < 5)
    after = {"checkpoint": seal(b"new"), "a.safetensors": b"new", "b.safetensors": b"kept"}
    assert fetched(files, tmp_path / "after") == (after if writes >= 3 else before)

    broken.fails = lambda name: False
    write(here, checkpoint=b"newer")
    mirror.upload_checkpoint()
    assert fetched(files, tmp_path / "end") == after | {"checkpoint": seal(b"newer")}
    assert len(files.names(RUN)) == 4


def test_a_torn_checkpoint_never_replaces_a_whole_one(files, tmp_path):
    here = tmp_path / "here"
    mirror = Mirror(files, Attempt(RUN, 1, None), here)
    write(here, checkpoint=b"whole")
    mirror.upload_checkpoint()
    (here / "checkpoint").write_bytes(seal(b"another")[:-1])
    mirror.upload_checkpoint()
    assert fetched(files, tmp_path / "there") == {"checkpoint": seal(b"whole")}


def test_what_was_fetched_is_not_uploaded_before_it_changes(files, tmp_path):
    write(tmp_path / "here", checkpoint=b"one")
    Mirror(files, Attempt(RUN, 1, None), tmp_path / "other").upload_end(done=False)
    first = Mirror(files, Attempt(RUN, 2, None), tmp_path / "here")
    first.upload_end(done=False)
    second = Mirror(files, Attempt(RUN, 3, 2), tmp_path / "there")
    second.fetch()
    assert not second.upload_checkpoint()
    assert not files.names(f"{RUN}/attempt-0003")
    write(tmp_path / "there", checkpoint=b"two")
    assert second.upload_checkpoint()
    # Neither disturbs the other.
    assert fetched(files, tmp_path / "x", 2) == {"checkpoint": seal(b"one")}
    assert fetched(files, tmp_path / "y", 3) == {"checkpoint": seal(b"two")}


def test_a_source_that_still_lives_is_read_whole(files, tmp_path):
    here = tmp_path / "here"
    lives = Mirror(files, Attempt(RUN, 1, None), here)
    write(here, checkpoint=b"one")
    lives.upload_checkpoint()

    class Late(ObjectStore):
        def read(self, name):
            if (
                name.endswith("-checkpoint")
                and unseal((here / "checkpoint").read_bytes()) == b"one"
            ):
                write(here, checkpoint=b"two")
                lives.upload_checkpoint()
            return super().read(name)

    assert fetched(Late(files.url), tmp_path / "there") == {"checkpoint": seal(b"two")}


def test_a_file_that_is_written_while_the_checkpoint_is_read_comes_with_it(files, tmp_path):
    """Between the look for a new checkpoint and its reading, the run may end another epoch."""
    here = tmp_path / "here"

    class Slow(ObjectStore):
        def write(self, name, data):
            if not (here / "late.safetensors").exists():
                write(here, late_safetensors=b"late")
            super().write(name, data)

    mirror = Mirror(Slow(files.url), Attempt(RUN, 1, None), here)
    write(here, checkpoint=b"one")
    mirror.upload_checkpoint()
    there = fetched(files, tmp_path / "there")
    assert there == {"checkpoint": seal(b"one"), "late.safetensors": b"late"}


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_a_state_that_the_store_has_damaged_is_named(files, tmp_path, damage):
    write(tmp_path / "here", checkpoint=b"one", mentor_safetensors=b"m")
    Mirror(files, Attempt(RUN, 1, None), tmp_path / "here").upload_end(done=False)
    [place] = [name for name in files.names(RUN) if name.endswith("-checkpoint")]
    if damage == "gone":
        files.remove([place])
    else:
        files.write(place, seal(b"other"))
    with pytest.raises(RunError, match=f"lost checkpoint.*{place}.*Remove the folder"):
        fetched(files, tmp_path / "there")
    assert not (tmp_path / "there" / "mentor.safetensors").exists()


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", ".lock"])
def test_a_state_that_names_a_file_outside_of_the_run_is_refused(files, tmp_path, name):
    state = json.dumps({"files": {name: "0" * 64}}).encode()
    files.write(f"{RUN}/attempt-0001/state.json", state)
    with pytest.raises(RunError, match="names a file outside of the run"):
        fetched(files, tmp_path / "there")


@pytest.mark.parametrize("data", [b"", b"[]", b'{"files": {"a": 1}}', b'{"x": {}}'])
def test_a_state_that_is_none_is_named(files, tmp_path, data):
    files.write(f"{RUN}/attempt-0001/state.json", data)
    with pytest.raises(RunError, match=r"attempt-0001/state\.json is not the state of a run"):
        fetched(files, tmp_path / "there")


def test_a_run_that_another_process_executes_is_left_alone(files, tmp_path):
    write(tmp_path / "here", checkpoint=b"one")
    Mirror(files, Attempt(RUN, 1, None), tmp_path / "here").upload_end(done=False)
    write(tmp_path / "there", checkpoint=b"mine")
    with (
        directory_lock(tmp_path / "there"),
        pytest.raises(HeldError, match="another process executes this run"),
    ):
        fetched(files, tmp_path / "there")
    assert (tmp_path / "there" / "checkpoint").read_bytes() == seal(b"mine")


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
