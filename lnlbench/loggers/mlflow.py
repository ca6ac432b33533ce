"""Curves of a run for MLflow: in its directory, unless MLFLOW_TRACKING_URI is set."""

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lnlbench import hookimpl
from lnlbench.errors import UsageError

EXPERIMENT = "lnlbench"
DATABASE = "mlflow.db"
_RUN = "lnlbench.run"  # the tag by which a resumed run finds what was logged before
_STATUS = {"done": "FINISHED", "interrupted": "KILLED"}


class MlflowLogger:
    """Writes the spec as parameters, and every scalar of every epoch."""

    def __init__(self) -> None:
        # A run asks no server for anything unless its user says so.
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        try:
            import mlflow
            import sqlalchemy  # noqa: F401 - the database in the run's directory needs it
        except ImportError as error:
            raise UsageError(
                "--log mlflow needs MLflow, which is not installed: pip install 'lnlbench[mlflow]'"
            ) from error
        self._mlflow = mlflow
        self._client: Any = None
        self._run = ""

    @hookimpl
    def run_started(self, directory: Path, spec: dict[str, Any], epoch: int) -> None:
        """Begin the run, or find it again if it resumes: its tag is the name of its directory."""
        self._end("KILLED")
        place = os.environ.get("MLFLOW_TRACKING_URI")
        self._client = self._mlflow.MlflowClient(
            tracking_uri=place or f"sqlite:///{(directory / DATABASE).resolve()}"
        )
        known = self._client.get_experiment_by_name(EXPERIMENT)
        experiment = known.experiment_id if known else self._client.create_experiment(EXPERIMENT)
        found = self._client.search_runs(
            [experiment], f"tags.`{_RUN}` = '{directory.name}'", max_results=1
        )
        if found and epoch:
            self._run = found[0].info.run_id
            self._client.update_run(self._run, status="RUNNING")
            return
        name = f"{spec['method']} {spec['track']} seed {spec['seed']}"
        made = self._client.create_run(experiment, run_name=name, tags={_RUN: directory.name})
        self._run = made.info.run_id
        for key, value in _flat(spec):
            self._client.log_param(self._run, key, value)

    @hookimpl
    def epoch_finished(self, epoch: int, values: dict[str, float | None]) -> None:
        """Log an epoch's values, with epochs counted from 1."""
        now = int(time.time() * 1000)
        metric = self._mlflow.entities.Metric
        self._client.log_batch(
            self._run,
            metrics=[metric(k, v, now, epoch + 1) for k, v in values.items() if v is not None],
        )

    @hookimpl
    def run_finished(self, result: dict[str, Any]) -> None:
        """Say how the run ended, and end it."""
        self._end(_STATUS.get(result["status"], "FAILED"))

    def _end(self, status: str) -> None:
        if self._run:
            self._client.set_terminated(self._run, status)
            self._run = ""


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
