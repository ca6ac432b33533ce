"""Disks that are full, read-only or limited: a clear error, nothing lost, and a way on."""

import os
import resource
import shutil
import subprocess
from contextlib import contextmanager

import pytest
from cli import (
    SMALL,
    call,
    directory_of,
    essence,
    reported,
    snapshot,
    start_forked,
    stored,
    temporary_files,
)

from lnlbench.results import ResultStore


def test_a_file_in_place_of_the_output_folder(tmp_path):
    (tmp_path / "file").write_text("mine")
    outcome = call("run", "--method", "ce", *SMALL, "--output", tmp_path / "file")
    assert outcome.code == 2
    assert "Cannot write to" in outcome.err
    assert "--output" in outcome.err
    assert "Traceback" not in outcome.err
    assert (tmp_path / "file").read_text() == "mine"


def test_a_run_whose_result_could_not_be_stored_is_not_lost(tmp_path):
    (tmp_path / "leaderboards").write_text("in the way")
    arguments = ("run", "--method", "ce", *SMALL, "--output", tmp_path)
    outcome = call(*arguments)
    assert outcome.code == 2
    assert str(tmp_path / "leaderboards") in outcome.err
    assert "Traceback" not in outcome.err
    (tmp_path / "leaderboards").unlink()
    again = call(*arguments)
    assert again.code == 0
    assert "already done" in again.out
    assert stored(tmp_path)["status"] == "done"


@contextmanager
def mounted(folder, options):
    """A tmpfs at `folder`; skips where this user may not mount."""
    if shutil.which("mount") is None:
        pytest.skip("there is no mount command")
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    made = subprocess.run(mount, capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"mounting is not permitted: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_read_only_file_system(tmp_path):
    with mounted(tmp_path, "ro,size=1m"):
        outcome = call("run", "--method", "ce", *SMALL, "--output", tmp_path)
    assert outcome.code == 2
    assert "Read-only file system" in outcome.err
    assert "--output" in outcome.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_write_permission(tmp_path):
    tmp_path.chmod(0o555)
    outcome = call("run", "--method", "ce", *SMALL, "--output", tmp_path)
    tmp_path.chmod(0o755)
    assert outcome.code == 2
    assert "Permission denied" in outcome.err
    assert "--output" in outcome.err


def fill(folder, leave):
    """Fill a file system but for about `leave` bytes; returns the file that does it."""
    filler = folder / "filler"
    free = shutil.disk_usage(folder).free
    filler.write_bytes(bytes(free - leave))
    return filler


def one_epoch_checkpoint(folder, arguments):
    """A finished run in `folder`; returns what it left, and the size of its checkpoint."""
    assert call(*arguments, "--output", folder).code == 0
    return snapshot(folder), directory_of(folder).checkpoint_file.stat().st_size


@pytest.mark.parametrize("room", ["none", "no checkpoint", "one checkpoint"])
def test_a_full_disk_loses_nothing_and_the_same_command_goes_on(tmp_path, room):
    folder, elsewhere = tmp_path / "disk", tmp_path / "elsewhere"
    folder.mkdir()
    arguments = ("run", "--method", "ce", *SMALL)
    assert call(*arguments, "--seed", "1", "--output", elsewhere).code == 0
    with mounted(folder, "size=8m"):
        before, size = one_epoch_checkpoint(folder, arguments)
        # A checkpoint is written beside the one it replaces, so a second one needs as much again.
        leave = {"none": 0, "no checkpoint": size // 2, "one checkpoint": size + size // 2}[room]
        filler = fill(folder, leave)
        full = call(*arguments, "--seed", "1", "--output", folder)
        assert full.code == 1, full
        assert "No space left on device" in reported(full)
        assert "Free some space" in reported(full)
        assert "Traceback" not in reported(full)
        after = snapshot(folder)
        assert {name: after[name] for name in before} == before
        assert not temporary_files(folder)

        filler.unlink()
        again = call(*arguments, "--seed", "1", "--output", folder)
        assert again.code == 0, again
        assert ("resumed at epoch 2" in again.out) == (room == "one checkpoint")
        results, bad = ResultStore(folder / "leaderboards").load_all()
    assert ([result.status for result in results], bad) == (["done", "done"], [])
    [found] = [result for result in results if result.seed == 1]
    assert essence(found.model_dump(mode="json")) == essence(stored(elsewhere))


def limit_file_size():
    """In a child: no file may grow beyond 100 KB, as under a quota."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


def test_a_file_size_limit_is_explained_and_the_same_command_goes_on(tmp_path):
    arguments = ("run", "--method", "ce", *SMALL)
    limited = start_forked(*arguments, folder=tmp_path, prepare=limit_file_size).finish()
    assert limited.code == 1
    assert "File too large" in reported(limited)
    assert "Free some space" in reported(limited)
    assert not temporary_files(tmp_path)
    again = start_forked(*arguments, folder=tmp_path).finish()
    assert again.code == 0, again
    assert stored(tmp_path)["status"] == "done"
