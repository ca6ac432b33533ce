"""The programs behind the figures of the notebook still run."""

import json
import sys
from pathlib import Path

import pytest
import torch

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebook"


@pytest.fixture(autouse=True)
def beside_the_pages(monkeypatch):
    monkeypatch.syspath_prepend(NOTEBOOK)
    yield
    for name in ("time_pieces", "time_start_up"):
        sys.modules.pop(name, None)


def test_pieces_are_timed_and_written(tmp_path, monkeypatch, capsys):
    import time_pieces

    for name, value in {"IMAGES": 128, "LOSSES": 500, "ROWS": 300, "COPIED_BYTES": 4096}.items():
        monkeypatch.setattr(time_pieces, name, value)
    threads = torch.get_num_threads()
    file = tmp_path / "pieces.json"
    time_pieces.main(["--repeats", "2", "--device", "cpu", "--output", str(file)])
    timed = {piece["name"]: piece for piece in json.loads(file.read_text())["pieces"]}
    assert {"weak: crop, flip, normalize", "randaugment:2:10", "mixture of 500 losses"} < set(timed)
    assert all(piece["value"] > 0 and piece["repeats"] == 2 for piece in timed.values())
    printed = capsys.readouterr().out
    assert all(name in printed for name in timed)
    assert torch.get_num_threads() == threads


def test_a_piece_is_the_median_without_the_first_call(monkeypatch):
    import time_pieces

    ticks = iter([0, 90, 100, 101, 200, 205, 300, 302])
    monkeypatch.setattr(time_pieces.time, "perf_counter", lambda: next(ticks))
    assert time_pieces._median(lambda: None, 3, torch.device("cpu")) == 2


def test_the_start_of_a_run_is_timed_to_its_first_step(tmp_path):
    import time_start_up

    file = tmp_path / "start-up.json"
    options = ["--track", "digits", "--repeats", "1", "--device", "cpu", "--output", str(file)]
    time_start_up.main(options)
    helped, first_step = json.loads(file.read_text())["pieces"]
    assert helped["name"] == "lnlbench --help"
    assert first_step["name"] == "import of torch to the first step on digits"
    assert min(helped["value"], first_step["value"]) > 0.01


def test_a_run_that_does_not_start_says_why_instead_of_a_time(tmp_path, monkeypatch):
    import time_start_up

    monkeypatch.setenv("LNLBENCH_DATA_DIR", str(tmp_path))
    with pytest.raises(SystemExit, match="cifar100: files are missing"):
        time_start_up.main(["--repeats", "1", "--device", "cpu"])
