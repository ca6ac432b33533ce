"""One trial in its own process: its runs see neither clean labels nor the test split."""

import time
from pathlib import Path
from typing import Any, Literal

from optuna.trial import FrozenTrial, Trial
from pydantic import BaseModel, ConfigDict, JsonValue

from lnlbench.errors import Interrupted, RunError, UsageError, unknown_name
from lnlbench.metrics.scored_epochs import last_epochs
from lnlbench.networks.weight_sources import WeightSources
from lnlbench.plugins import Plugins
from lnlbench.runner.assemble import assemble, find_data
from lnlbench.runner.devices import resolve_device
from lnlbench.runner.directory import RunDirectory
from lnlbench.runner.display import EpochReport, PlainDisplay
from lnlbench.runner.environment import describe_environment
from lnlbench.runner.execution import Execution
from lnlbench.runner.options import RunOptions
from lnlbench.runner.record import Record
from lnlbench.spec.run_data import RunData
from lnlbench.spec.run_spec import RunSpec
from lnlbench.system.console import Console
from lnlbench.tune.definition import SearchDefinition
from lnlbench.tune.study import Study, note_seconds, seconds_of

PLAN_NAME = "trial.json"
_VERSIONS = ("lnlbench", "torch", "python", "platform", "device", "git_commit")


class TrialPlan(BaseModel):
    """The plan of a trial, a file in its folder: one run for each seed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    definition: SearchDefinition
    number: int
    specs: list[RunSpec]


class TrialOutcome(BaseModel):
    """What a search learns about a trial: how it ended, its mean objective over seeds, its machine.

    `versions` describes the software and the device that executed the trial.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Literal["done", "pruned", "diverged", "failed", "interrupted"]
    score: float | None = None
    samples: int = 0
    versions: dict[str, JsonValue] = {}
    error: str | None = None


class TrialDisplay(PlainDisplay):
    """Prints each epoch and reports it to the search, which may prune the trial."""

    def __init__(self, console: Console, trial: Trial, objective: str, so_far: FrozenTrial) -> None:
        super().__init__(console)
        self.pruned = False
        # The search compares trials by the epochs of their first runs.
        self.comparing = True
        self.execution: Execution | None = None  # the run that is shown
        self._trial = trial
        self._objective = objective
        self._reported = set(so_far.intermediate_values)
        self._before = seconds_of(so_far)
        self._began = time.monotonic()

    def started(self, title: str, max_epochs: int, first_epoch: int) -> None:
        """Report what a killed process did not; raises Interrupted as `epoch` does."""
        super().started(title, max_epochs, first_epoch)
        if first_epoch and self.execution is not None:
            curve = self.execution.record.curves.get(self._objective, [])
            for epoch, value in enumerate(curve):
                self._report(epoch, value)
            self._prune(first_epoch - 1, max_epochs)

    def epoch(self, report: EpochReport) -> None:
        """Report the objective; raises Interrupted when the search prunes the trial."""
        super().epoch(report)
        self.note_seconds()
        value = {**report.scalars, **report.scores}.get(self._objective)
        self._report(report.epoch, value)
        # The pruned trial's time counts too.
        if value is not None:
            self._prune(report.epoch, report.max_epochs)

    def _report(self, epoch: int, value: float | None) -> None:
        if self.comparing and value is not None and epoch not in self._reported:
            self._reported.add(epoch)
            self._trial.report(value, epoch)

    def _prune(self, epoch: int, max_epochs: int) -> None:
        if self.comparing and epoch + 1 < max_epochs and self._trial.should_prune():
            self.pruned = True
            raise Interrupted(f"pruned after epoch {epoch + 1}")

    def note_seconds(self) -> None:
        """Store the time of all attempts at the trial so far."""
        note_seconds(self._trial, self._before + time.monotonic() - self._began)


def run_trial(
    folder: Path, plugins: Plugins, device: str, data_dir: Path | None, weights: Path | None
) -> TrialOutcome:
    """Execute the trial that is planned in `folder`, or resume it.

    Raises:
        UsageError: there is no plan, the data are missing, or another process executes the trial.
    """
    plan = _read_plan(folder / PLAN_NAME)
    definition = plan.definition
    study = Study(definition, folder.parent, plan.specs[0].protocol.epochs)
    trial = study.trial(plan.number)
    [so_far] = [each for each in study.trials() if each.number == plan.number]
    console = Console(stderr=True, highlight=False)
    display = TrialDisplay(console, trial, definition.objective, so_far)
    where = resolve_device(device)
    options = RunOptions(device=where, weights=WeightSources(weights, plugins.backbones))
    environment = describe_environment(where, "")
    scores = []
    known: dict[str, Any] = {"versions": {name: environment[name] for name in _VERSIONS}}
    directory = RunDirectory(folder)
    with directory.locked():
        dataset = find_data(plan.specs[0], directory, RunData(plugins, data_dir))
        for spec in plan.specs:
            execution = assemble(
                spec,
                plugins.method(spec.method),
                dataset,
                RunDirectory(folder / f"seed{spec.seed}"),
                display,
                options,
                blind=True,
            )
            held_out = execution.prepared.split.validation
            assert held_out is not None
            known["samples"] = len(held_out.labels)
            display.execution = execution
            status, error = execution.fit()
            display.note_seconds()
            if status != "done":
                ended = "pruned" if display.pruned else status
                return TrialOutcome(status=ended, **known, error=error)
            try:
                scores.append(objective(execution.record, definition.objective))
            except RunError as reason:
                return TrialOutcome(status="failed", **known, error=str(reason))
            display.comparing = False
    return TrialOutcome(status="done", score=sum(scores) / len(scores), **known)


def objective(record: Record, name: str) -> float:
    """The mean of a curve over the epochs that the ranked score averages.

    Raises:
        RunError: there is no such curve, or it has no value in one of these epochs.
    """
    if name not in record.curves:
        known = record.curves
        raise RunError(str(unknown_name("objective", name, known, "They are the run's curves.")))
    values = record.curves[name][-last_epochs(record.epochs) :]
    known_values = [value for value in values if value is not None]
    if len(known_values) < len(values):
        raise RunError(f"The objective {name!r} has no finite value in the last epochs.")
    return sum(known_values) / len(known_values)


def _read_plan(file: Path) -> TrialPlan:
    try:
        return TrialPlan.model_validate_json(file.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"Cannot read the trial {file}: {error}.") from error
