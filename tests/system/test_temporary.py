"""Temporary files and folders: the leavings of a killed process go, what is being written stays."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from lnlbench.data.cache import Arrays, cached
from lnlbench.system.atomic import remove_unfinished, write_atomically
from lnlbench.system.temporary import held, remove_abandoned, temporary_folder

WRITER = """
import os, sys, time
from pathlib import Path
from lnlbench.system import atomic
def slow(descriptor):
    print("writing", flush=True)
    time.sleep(60)
atomic.os.fsync = slow
atomic.write_atomically(Path(sys.argv[1]), b"new")
"""


@pytest.fixture
def writer(tmp_path):
    """A process in the middle of a write to `file`."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, tmp_path / "file"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "writing\n"
    yield process
    process.kill()
    process.wait()


def temporary(folder):
    return list(folder.glob(".*.tmp"))


def test_a_write_that_was_killed_leaves_nothing_after_the_next_one(tmp_path, writer):
    assert len(temporary(tmp_path)) == 1
    write_atomically(tmp_path / "other", b"x")
    assert len(temporary(tmp_path)) == 1, "a living process still writes it"
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    write_atomically(tmp_path / "other", b"x")
    assert temporary(tmp_path) == []
    assert not (tmp_path / "file").exists()


def test_what_an_earlier_version_has_left_is_removed(tmp_path):
    (tmp_path / ".0123456789abcdef.tmp").write_bytes(b"x" * 100)
    (tmp_path / "kept.tmp").write_bytes(b"x")
    remove_unfinished(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept.tmp"]


def test_a_held_folder_stays_and_another_goes(tmp_path):
    for name in (".a-held", ".a-left"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "array.npy").write_bytes(b"x")
    with held(tmp_path / ".a-held") as there:
        assert there
        remove_abandoned(tmp_path, ".a-*")
        assert [path.name for path in tmp_path.iterdir()] == [".a-held"]


def test_a_temporary_folder_removes_what_was_left_and_itself(tmp_path):
    (tmp_path / "work-left").mkdir()
    with temporary_folder("work-", tmp_path) as one, temporary_folder("work-", tmp_path) as other:
        assert {one, other} == set(tmp_path.iterdir())
    assert list(tmp_path.iterdir()) == []


def test_a_temporary_folder_that_is_taken_away_is_made_again(tmp_path, monkeypatch):
    made = []

    class TakenAway(tempfile.TemporaryDirectory):
        def __init__(self, **settings):
            super().__init__(**settings)
            made.append(Path(self.name))
            if len(made) == 1:
                made[0].rmdir()

    monkeypatch.setattr(tempfile, "TemporaryDirectory", TakenAway)
    with temporary_folder("work-", tmp_path) as folder:
        assert [folder] == made[1:] == list(tmp_path.iterdir())


def test_arrays_that_were_not_cached_to_the_end_are_removed_by_the_next_run(tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"1")
    cache = tmp_path / "cache"

    def decode():
        return Arrays({"a": np.arange(3)})

    cached("x", [source], cache, decode)
    [entry] = cache.iterdir()
    # Killed after the new entry was put in place, so that the next run has nothing to write.
    (cache / f".{entry.name}-abandoned.old").mkdir()
    cached("x", [source], cache, decode)
    assert [path.name for path in cache.iterdir()] == [entry.name]
    (cache / f".{entry.name}-abandoned").mkdir()
    os.utime(source, (1, 1))
    cached("x", [source], cache, decode)
    assert [path.name for path in cache.iterdir()] == [entry.name]


def test_a_writer_whose_file_was_taken_away_writes_it_again(tmp_path, monkeypatch):
    calls = []
    real = os.fsync

    def take_away(descriptor):
        calls.append(descriptor)
        if len(calls) == 1:
            [file] = temporary(tmp_path)
            file.unlink()
        real(descriptor)

    monkeypatch.setattr("lnlbench.system.atomic.os.fsync", take_away)
    began = time.monotonic()
    write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert time.monotonic() - began < 10
