"""Damaged checkpoints and results, and missing ends: a clear error, and a way on."""

import hashlib
import io
import json
import pickle
import re
import shlex
import shutil
from pathlib import Path

import pytest
import torch
from cli import SMALL, call, essence, reported, snapshot

from lnlbench.results import ResultStore
from lnlbench.runner.directory import RunDirectory


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


def stored_essence(folder):
    """What the result of seed 1 must share with that of an undisturbed run."""
    [file] = (folder / "leaderboards").rglob("*seed1-*.json")
    return essence(json.loads(file.read_text()))


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
    assert stored_essence(folder) == stored_essence(finished)


def test_a_run_killed_just_before_its_end_is_finished_without_training(tmp_path, finished):
    folder = tmp_path / "output"
    shutil.copytree(finished, folder)
    directory = unfinish(folder)
    outcome = call("run", "--resume", directory.path)
    assert outcome.code == 0
    assert "epoch 1/" not in outcome.out
    assert stored_essence(folder) == stored_essence(finished)


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
