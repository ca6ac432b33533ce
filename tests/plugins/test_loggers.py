"""The loggers of `lnlbench run --log` besides TensorBoard."""

import csv
import sys
import time

import pytest
from cli import SMALL, call
from tiny import comparable

from lnlbench.loggers import make_logger
from lnlbench.results import ResultStore

CE = ("run", "--method", "ce", *SMALL)
SPEC = {"method": "ce", "track": "digits", "seed": 0}


def rows(folder):
    with (folder / "curves.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_csv_gets_every_curve_and_the_result_stays_the_same(tmp_path):
    results = []
    for place, options in (("plain", ()), ("logged", ("--log", "csv"))):
        assert call(*CE, *options, "--output", tmp_path / place).code == 0
        results += ResultStore(tmp_path / place / "leaderboards").load_all()[0]
    plain, logged = results
    assert comparable(plain) == comparable(logged)
    [file] = (tmp_path / "logged").rglob("curves.csv")
    found = {}
    for row in rows(file.parent):
        found.setdefault(row["name"], []).append((int(row["epoch"]), float(row["value"])))
    for name, curve in logged.curves.items():
        known = [(epoch, value) for epoch, value in enumerate(curve, 1) if value is not None]
        assert found.get(name, []) == known


def test_csv_drops_what_a_killed_run_logged_beyond_its_checkpoint(tmp_path):
    killed, resumed = make_logger("csv"), make_logger("csv")
    killed.run_started(tmp_path, 0)
    for epoch in range(3):
        killed.epoch_finished(epoch, {"loss": 1.0, "nll": None})
    with (tmp_path / "curves.csv").open("a") as file:
        file.write("4,lo")  # killed while it wrote
    resumed.run_started(tmp_path, 2)
    resumed.epoch_finished(2, {"loss": 0.5})
    assert [(row["epoch"], row["value"]) for row in rows(tmp_path)] == [
        ("1", "1.0"),
        ("2", "1.0"),
        ("3", "0.5"),
    ]


def test_wandb_keeps_a_run_offline_in_its_directory(tmp_path, monkeypatch):
    pytest.importorskip("wandb", reason="wandb is missing: pip install 'lnlbench[wandb]'")
    monkeypatch.delenv("WANDB_MODE", raising=False)
    logger = make_logger("wandb")
    logger.run_started(tmp_path, SPEC, 0)
    logger.epoch_finished(0, {"the_loss_of_an_epoch": 1.5, "nll": None})
    logger.run_finished({"status": "done"})
    [file] = tmp_path.rglob("*.wandb")
    # A process of W&B's own writes the file, and may end a moment later.
    end = time.monotonic() + 20
    while b"the_loss_of_an_epoch" not in (written := file.read_bytes()) and time.monotonic() < end:
        time.sleep(0.1)
    assert b"the_loss_of_an_epoch" in written


def test_mlflow_keeps_spec_and_curves_of_a_killed_and_resumed_run(tmp_path, monkeypatch):
    mlflow = pytest.importorskip(
        "mlflow", reason="MLflow is missing: pip install 'lnlbench[mlflow]'"
    )
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    spec = {**SPEC, "protocol": {"epochs": 2}}
    killed, resumed = make_logger("mlflow"), make_logger("mlflow")
    killed.run_started(tmp_path, spec, 0)
    killed.epoch_finished(0, {"loss": 1.5, "nll": None})
    resumed.run_started(tmp_path, spec, 1)
    resumed.epoch_finished(1, {"loss": 0.5})
    resumed.run_finished({"status": "done"})
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
    [run] = client.search_runs([client.get_experiment_by_name("lnlbench").experiment_id])
    assert run.info.status == "FINISHED"
    assert (run.data.params["method"], run.data.params["protocol.epochs"]) == ("ce", "2")
    losses = client.get_metric_history(run.info.run_id, "loss")
    assert [(each.step, each.value) for each in losses] == [(1, 1.5), (2, 0.5)]
    assert set(run.data.metrics) == {"loss"}


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_without_its_package_the_command_says_what_to_install(tmp_path, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    outcome = call(*CE, "--output", tmp_path, "--log", name)
    assert outcome.code == 2
    assert f"pip install 'lnlbench[{name}]'" in outcome.err
