"""One run from Python: what `lnlbench run` does, for one seed."""

import threading
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lnlbench.cli.options.protocol import ProtocolOptions
from lnlbench.data.dataset import Dataset
from lnlbench.data.names import DATASETS
from lnlbench.errors import Interrupted, RunError, UsageError
from lnlbench.interface.data_source import DataSource
from lnlbench.interface.params import Params
from lnlbench.networks.weights import WeightSources
from lnlbench.plugins import Plugins, load_plugins
from lnlbench.runner.devices import resolve_device
from lnlbench.runner.options import RunOptions
from lnlbench.runner.series import Outcome, Series, choose_display, describe_outcome
from lnlbench.spec.expand import expand
from lnlbench.spec.grid import Grid
from lnlbench.spec.grid_data import GridData
from lnlbench.spec.run_data import RunData
from lnlbench.spec.run_spec import MATCHED
from lnlbench.system.console import Console
from lnlbench.tracks import DEFAULT_TRACK

if TYPE_CHECKING:
    from lnlbench.results import Result

_PROTOCOL = {field.name for field in fields(ProtocolOptions)} - {"dataset", "override"}
# Torch's random streams belong to the whole process, so runs of several threads take turns.
_TURN = threading.Lock()


def run(
    method: str,
    *,
    track: str = DEFAULT_TRACK,
    seed: int = 0,
    recipe: str = MATCHED,
    params: Mapping[str, Any] | None = None,
    dataset: str | Dataset | None = None,
    data_settings: Mapping[str, Any] | None = None,
    override: Mapping[str, Any] | None = None,
    output: str | Path = ".",
    data_dir: str | Path | None = None,
    weights: str | Path | None = None,
    device: str = "auto",
    compiled: bool = False,
    samples: bool = False,
    overwrite: bool = False,
    progress: bool = False,
    **named: Any,
) -> "Result":
    """Train and evaluate a method, and return its result; a finished run is not trained again.

    The result is also written to `output/leaderboards/results`, as by `lnlbench run`. `named` are
    parameters of the method, such as `lambda_u=0`, and options that change the track, such as
    `epochs=10` or `noise="symmetric:0.4"`; `params` holds parameters whose names are taken. A
    `dataset` may be one made by `lnlbench.Dataset.from_arrays`. Nothing is printed without
    `progress`. Threads may call this at once: their runs take turns.

    Raises:
        UsageError: a name or value is wrong; `DataError` if files are.
        Interrupted: a signal stopped the run; the same call resumes it.
        RunError: the run failed or diverged; the message says where its files are.
    """
    plugins = load_plugins()
    if isinstance(dataset, Dataset):
        _provide(plugins, dataset)
    options = RunOptions(
        device=resolve_device(device),
        weights=WeightSources(_path(weights), plugins.backbones),
        compiled=compiled,
        samples=samples,
        overwrite=overwrite,
        observers=plugins.manager,
    )
    name = dataset.name if isinstance(dataset, Dataset) else dataset
    said = {key: named.pop(key) for key in _PROTOCOL & named.keys()}
    protocol = ProtocolOptions(dataset=name, **said)
    settings = dict(data_settings or {})
    grid = Grid(
        method=[method],
        track=[track],
        seeds=[seed],
        recipe=recipe,
        recipe_file=[],
        override=protocol.axes() | _single(override or {}),
        set=_single({**named, **(params or {})}),
        set_data=_single(settings),
    )
    data = RunData(plugins, _path(data_dir), settings)
    kept = GridData(plugins, kept=data)
    (spec,) = expand([grid], plugins, _path(weights), kept, protocol.transfer())
    display = choose_display(Console(highlight=False), quiet=not progress)
    with _TURN:
        outcome = Series(plugins, Path(output), data, options).execute_one(spec, display)
    return _finished(outcome)


def _provide(plugins: Plugins, dataset: Dataset) -> None:
    """Let runs find a data set that is in memory, as if a plugin provided it."""
    if dataset.name in DATASETS or dataset.name in plugins.datasets:
        raise UsageError(
            f"The data set is called {dataset.name!r}, as one that is installed. Give it another "
            "name: lnlbench.Dataset.from_arrays(…, name=…)."
        )
    plugins.datasets[dataset.name] = DataSource(
        dataset.name, "arrays in memory", Params, lambda settings: dataset
    )


def _single(values: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {key: [value] for key, value in values.items()}


def _path(path: str | Path | None) -> Path | None:
    return None if path is None else Path(path)


def _finished(outcome: Outcome) -> "Result":
    if outcome.finished:
        return outcome.result
    said = describe_outcome(outcome, already=False)
    raise (Interrupted if outcome.result.status == "interrupted" else RunError)(said)
