"""samples.parquet: what became of each training sample, also of a run that was stopped."""

import itertools
import shlex
import sys

import pytest
import torch
from cli import SMALL, call, directory_of
from hypothesis import given
from hypothesis import strategies as st
from tiny import comparable

from lnlbench.data import load_dataset
from lnlbench.errors import DataError, UsageError
from lnlbench.plugins import load_plugins
from lnlbench.runner.directory import RunDirectory
from lnlbench.runner.execute import execute
from lnlbench.runner.options import RunOptions
from lnlbench.runner.samples import SampleHistory, read_samples
from lnlbench.spec.run_spec import build_spec
from lnlbench.testing.trials import Watch

pytest.importorskip("pyarrow", reason="pyarrow is missing: pip install 'lnlbench[samples]'")

COLUMNS = [
    *("index", "noisy_label", "predicted_label", "clean_probability", "loss"),
    *("first_learned_epoch", "forgetting_events"),
]


def run_watched(folder, name="ce", watch=None, samples=True, overwrite=False, **params):
    """A short run on digits that may be stopped; its directory and result."""
    plugins = load_plugins(strict=True)
    method = plugins.method(name)
    settings = {"epochs": 3, "limit_train": 150, "limit_test": 50}
    spec = build_spec(method, "digits", overrides=settings, params=params)
    directory = RunDirectory.of_spec(folder, spec)
    result = execute(
        *(spec, method, plugins.origins[name], load_dataset("digits")),
        *(directory, watch or Watch(), RunOptions(samples=samples, overwrite=overwrite)),
    )
    return directory, result


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    return run_watched(tmp_path_factory.mktemp("calm"))


@given(st.lists(st.lists(st.integers(0, 2), min_size=4, max_size=4), min_size=1, max_size=8))
def test_learning_and_forgetting_against_counting(epochs):
    labels = torch.tensor([0, 1, 2, 0])
    history = SampleHistory(labels)
    for epoch, predicted in enumerate(epochs):
        history.update(epoch, torch.eye(3)[torch.tensor(predicted)])
    for sample, label in enumerate(labels.tolist()):
        right = [predicted[sample] == label for predicted in epochs]
        forgotten = sum(a and not b for a, b in itertools.pairwise(right))
        assert history.first_learned[sample] == (right.index(True) if any(right) else -1)
        assert history.forgetting_events[sample] == forgotten
    assert history.predicted.tolist() == epochs[-1]


def test_a_row_for_each_sample(calm):
    directory, result = calm
    table = read_samples(directory.samples_file, result.fingerprint)
    assert table.column_names == COLUMNS
    rows = table.to_pylist()
    assert len(rows) == 150
    index = [row["index"] for row in rows]
    assert index == sorted(set(index))
    assert max(index) > 150  # places in the data set, of which the run saw a part
    right = [row["predicted_label"] == row["noisy_label"] for row in rows]
    accuracy = result.curves["train_accuracy_noisy"][-1]
    assert sum(right) / 150 == pytest.approx(accuracy)
    assert {row["clean_probability"] for row in rows} == {None}
    for row, hit in zip(rows, right, strict=True):
        assert row["first_learned_epoch"] in ((1, 2, 3) if hit else (None, 1, 2))
        assert (not hit and row["first_learned_epoch"] is not None) <= row["forgetting_events"]
        assert row["loss"] >= 0


def test_a_methods_belief_is_in_it(tmp_path):
    directory, result = run_watched(tmp_path, "dividemix", warmup_epochs=2)
    table = read_samples(directory.samples_file, result.fingerprint)
    assert all(0 <= value <= 1 for value in table["clean_probability"].to_pylist())


@pytest.mark.parametrize("asked_again", [True, False])
def test_a_stopped_run_writes_the_same_file(tmp_path, calm, asked_again):
    stopped, result = run_watched(tmp_path, watch=Watch(stop_after=1))
    assert result.status == "interrupted"
    assert not stopped.samples_file.exists()
    _, result = run_watched(tmp_path, samples=asked_again)
    assert result.status == "done"
    assert stopped.samples_file.read_bytes() == calm[0].samples_file.read_bytes()
    assert comparable(result) == comparable(calm[1])


def test_the_file_makes_no_other_difference(tmp_path, calm):
    directory, result = run_watched(tmp_path, samples=False)
    assert comparable(result) == comparable(calm[1])
    assert not directory.samples_file.exists()


def test_samples_that_evaluation_does_not_look_at_are_in_it_too(tmp_path, calm, monkeypatch):
    monkeypatch.setattr("lnlbench.runner.split.TRAINING_SAMPLE", 40)
    directory, result = run_watched(tmp_path)
    found = read_samples(directory.samples_file, result.fingerprint).to_pydict()
    expected = read_samples(calm[0].samples_file, result.fingerprint).to_pydict()
    assert found.pop("loss") == pytest.approx(expected.pop("loss"), rel=1e-4, abs=1e-6)
    assert found == expected


def test_a_run_that_nobody_watched_cannot_tell(tmp_path):
    run_watched(tmp_path, watch=Watch(stop_after=0), samples=False)
    with pytest.raises(UsageError, match=r"began without --samples.*--overwrite"):
        run_watched(tmp_path)
    directory, result = run_watched(tmp_path, overwrite=True)
    assert result.status == "done"
    assert directory.samples_file.exists()


def test_to_begin_anew_removes_the_file(tmp_path):
    directory, _ = run_watched(tmp_path)
    run_watched(tmp_path, samples=False, overwrite=True)
    assert not directory.samples_file.exists()


def test_by_the_command_line(tmp_path):
    arguments = ("run", "--method", "ce", *SMALL, "--output", tmp_path)
    assert call(*arguments).code == 0
    late = call(*arguments, "--samples")
    assert late.code == 2
    assert "is done, but there is no" in late.err
    assert "--overwrite" in late.err
    # Nothing has been trained in vain before the command says so.
    several = call("run", "--method", "gce,ce", *SMALL, "--output", tmp_path, "--samples")
    assert several.code == 2
    assert "The run of ce on digits with seed 0 is done, but there is no" in several.err
    assert len(list((tmp_path / "runs").rglob("spec.json"))) == 1
    assert call(*arguments, "--samples", "--overwrite").code == 0
    assert directory_of(tmp_path).samples_file.exists()
    assert call(*arguments, "--samples").code == 0


def test_a_sweep_asks_its_runs_for_samples_and_says_which_have_none(tmp_path):
    overrides = ("limit_train=200", "limit_test=100", "epochs=2")
    grid = ("--method", "ce", "--track", "digits", "--output", tmp_path)
    grid += tuple(part for each in overrides for part in ("--override", each))
    assert call("run", *grid).code == 0
    late = call("sweep", *grid, "--seeds", "2", "--samples")
    assert late.code == 0
    assert "1 of the runs that are done have no samples.parquet" in late.out
    with_file = [path.parent.name for path in (tmp_path / "runs").rglob("samples.parquet")]
    assert ["seed1" in name for name in with_file] == [True]
    planned = call("plan", *grid, "--seeds", "3", "--samples")
    assert [shlex.split(line).count("--samples") for line in planned.out.splitlines()] == [1]
    assert "have no samples.parquet" in planned.err


def test_without_pyarrow_the_command_says_so_before_it_trains(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    outcome = call("run", "--method", "ce", *SMALL, "--samples", "--output", tmp_path)
    assert outcome.code == 2
    assert "pip install 'lnlbench[samples]'" in outcome.err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("content", [b"", b"PAR1 but not really PAR1", None])
def test_a_damaged_file_is_named(tmp_path, calm, content):
    file = tmp_path / "samples.parquet"
    file.write_bytes(calm[0].samples_file.read_bytes()[:-40] if content is None else content)
    with pytest.raises(DataError, match=r"Cannot read .*samples\.parquet.*Delete it"):
        read_samples(file, calm[1].fingerprint)


def test_a_file_of_another_run_is_refused(calm):
    with pytest.raises(DataError, match="belongs to another run"):
        read_samples(calm[0].samples_file, "0" * 64)
