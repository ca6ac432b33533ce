"""The mirror of a run's directory in a store: whole states, whatever interrupts it."""

import json

import pytest
from mirrors import RUN, fetched
from stores import Broken, make_store

from lnlbench.errors import HeldError, RunError
from lnlbench.runner.lock import directory_lock
from lnlbench.runner.seal import seal, unseal
from lnlbench.sweep.store.mirror import Attempt, Mirror
from lnlbench.sweep.store.object_store import ObjectStore, StoreError


@pytest.fixture(params=["file", "s3"])
def store(request, tmp_path, monkeypatch):
    yield from make_store(request.param, tmp_path, monkeypatch)


def write(folder, **contents):
    """Replace files of a run's directory as a run does; its checkpoint is sealed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        data = seal(content) if name == "checkpoint" else content
        (folder / "new").write_bytes(data)
        (folder / "new").replace(folder / name.replace("_", "."))


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
