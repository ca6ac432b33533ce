"""Two sweeps of the same runs into the same folder, begun at the same time."""

import json
import re

from cli import start_forked

from lnlbench.runner import execute as execute_module
from lnlbench.runner.directory import RunDirectory
from lnlbench.runner.options import RunOptions

SWEEP = (
    *("sweep", "--method", "ce", "--track", "digits", "--seeds", "0-2", "--jobs", "1"),
    *("--override", "epochs=2", "--override", "limit_train=60", "--override", "limit_test=20"),
)


def test_no_run_is_trained_twice_or_called_failed(tmp_path):
    together = [
        start_forked(*SWEEP, "--output", tmp_path / "X", folder=tmp_path / name) for name in "ab"
    ]
    ended = [each.finish(200) for each in together]
    said = "\n".join(each.out + each.err for each in ended)
    assert "failed" not in re.sub(r"0 failed", "", said), said
    results = list((tmp_path / "X" / "leaderboards" / "results").rglob("*.json"))
    assert sorted(json.loads(file.read_text())["seed"] for file in results) == [0, 1, 2]
    for directory in RunDirectory.find(tmp_path / "X" / "runs"):
        own = json.loads(directory.result_file.read_text())
        assert own["status"] == "done"
        assert own in [json.loads(file.read_text()) for file in results], "trained once"


def test_a_run_that_another_process_has_ended_is_not_assembled(tmp_path, monkeypatch):
    directory = RunDirectory(tmp_path)
    monkeypatch.setattr(RunDirectory, "finished_result", lambda self: "the result")
    monkeypatch.setattr(execute_module, "assemble", lambda *arguments: 1 / 0)
    options = RunOptions(device=None, weights=None)
    found = execute_module.execute(None, None, None, None, directory, None, options)
    assert found == "the result"
