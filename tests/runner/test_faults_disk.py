"""Disks that are full, read-only or damaged: a clear error, nothing lost, and a way on."""

import hashlib
import io
import json
import os
import pickle
import re
import resource
import shlex
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from cli import SMALL, call, directory_of, essence, snapshot, start_forked, stored, temporary_files

from lnlbench.results import ResultStore
from lnlbench.runner.directory import RunDirectory


def reported(outcome):
    """All that a command said, as one line."""
    return " ".join((outcome.out + outcome.err).split())


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


class Touch:
    """Unpickling it makes a file."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return (Path.touch, (self.file,))


def hostile(file, data):
    return pickle.dumps(Touch(file))


def hostile_with_checksum(file, data):
    """What an attacker would write: a checksum proves that a file is whole, not whose it is."""
    buffer = io.BytesIO()
    torch.save({"method": Touch(file)}, buffer)
    content = buffer.getvalue()
    header = data.partition(b" ")[0] + b" checkpoint 1 "
    assert data.startswith(header)
    return header + hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def flipped(file, data):
    middle = len(data) // 2
    return (
        data[:middle]
        + bytes(byte ^ 0xFF for byte in data[middle : middle + 4])
        + data[middle + 4 :]
    )


CORRUPTIONS = {
    "flipped bytes": flipped,
    "truncated": lambda file, data: data[: len(data) // 2],
    "empty": lambda file, data: b"",
    "hostile pickle": hostile,
    "hostile pickle with a checksum": hostile_with_checksum,
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Two finished runs, seeds 0 and 1, in one output folder."""
    folder = tmp_path_factory.mktemp("finished")
    assert call("run", "--method", "ce", *SMALL, "--seeds", "2", "--output", folder).code == 0
    return folder


def unfinish(folder):
    """Make seed 1's run what a kill just before its end leaves; returns its directory."""
    for file in folder.rglob("*seed1-*.json"):
        file.unlink()
    [path] = (folder / "runs").rglob("*-seed1-*")
    (path / "result.json").unlink()
    return RunDirectory(path)


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_a_corrupted_checkpoint(tmp_path, finished, corruption, monkeypatch):
    folder, canary = tmp_path / "output", tmp_path / "executed"
    shutil.copytree(finished, folder)
    directory = unfinish(folder)
    before = snapshot(folder)
    checkpoint = directory.checkpoint_file
    checkpoint.write_bytes(CORRUPTIONS[corruption](canary, checkpoint.read_bytes()))

    outcome = call("run", "--resume", directory.path)
    assert outcome.code == 1
    said = reported(outcome)
    assert f"The checkpoint {checkpoint} is damaged" in said
    assert "Traceback" not in said
    assert "weights_only" not in said, "advice to trust the file"
    assert not canary.exists()
    after = snapshot(folder)
    kept = [name for name in before if "seed0" in name]
    assert kept
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}

    # The next step that the message names, from another folder.
    [advice] = re.findall(r"lnlbench (run .+? --overwrite)", said)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    again = call(*shlex.split(advice))
    assert again.code == 0, again
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert snapshot(folder).keys() >= before.keys()
    [file] = (folder / "leaderboards").rglob("*seed1-*.json")
    [expected] = (finished / "leaderboards").rglob("*seed1-*.json")
    assert essence(json.loads(file.read_text())) == essence(json.loads(expected.read_text()))


def test_a_run_killed_just_before_its_end_is_finished_without_training(tmp_path, finished):
    folder = tmp_path / "output"
    shutil.copytree(finished, folder)
    directory = unfinish(folder)
    outcome = call("run", "--resume", directory.path)
    assert outcome.code == 0
    assert "epoch 1/" not in outcome.out
    [file] = (folder / "leaderboards").rglob("*seed1-*.json")
    [expected] = (finished / "leaderboards").rglob("*seed1-*.json")
    assert essence(json.loads(file.read_text())) == essence(json.loads(expected.read_text()))


def test_resume_of_a_folder_goes_on_with_every_run_below_it(tmp_path, finished):
    folder = tmp_path / "output"
    shutil.copytree(finished, folder)
    unfinish(folder)
    outcome = call("run", "--resume", folder / "runs")
    assert outcome.code == 0
    assert outcome.out.count("already done") == 1
    assert len(ResultStore(folder / "leaderboards").load_all()[0]) == 2


@pytest.mark.parametrize("place", ["run directory", "leaderboard"])
def test_a_damaged_result_file_is_named_with_the_next_step(tmp_path, finished, place):
    folder = tmp_path / "output"
    shutil.copytree(finished, folder)
    directory = unfinish(folder)
    shutil.copytree(finished / "leaderboards", folder / "leaderboards", dirs_exist_ok=True)
    [stored_file] = (folder / "leaderboards").rglob("*seed1-*.json")
    if place == "run directory":
        stored_file.unlink()
    file = stored_file if place == "leaderboard" else directory.result_file
    file.write_text('{"schema_version": 1')
    outcome = call("run", "--resume", directory.path)
    assert outcome.code == 2
    assert f"{file} is not a valid result" in outcome.err
    assert "Delete it" in outcome.err
    file.unlink()
    assert call("run", "--resume", directory.path).code == 0
    assert len(ResultStore(folder / "leaderboards").load_all()[0]) == 2
