"""One run from Python: what `lnlbench run` does, for one seed."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lnlbench.api.meant import Meant, spec_of
from lnlbench.data.dataset import Dataset
from lnlbench.errors import Interrupted, RunError
from lnlbench.networks.weight_sources import WeightSources
from lnlbench.plugins import load_plugins
from lnlbench.runner.devices import resolve_device
from lnlbench.runner.options import RunOptions
from lnlbench.runner.series import Outcome, Series, choose_display, describe_outcome
from lnlbench.seeds import TURN
from lnlbench.spec.run_data import RunData
from lnlbench.spec.run_spec import MATCHED
from lnlbench.system.console import Console
from lnlbench.tracks import DEFAULT_TRACK

if TYPE_CHECKING:
    from lnlbench.results import Result


def run(
    method: str,
    *,
    track: str | Path = DEFAULT_TRACK,
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
    compiled: bool | None = None,
    samples: bool = False,
    overwrite: bool = False,
    progress: bool = False,
    **named: Any,
) -> "Result":
    """Train and evaluate a method, and return its result; a finished run is not trained again.

    The result is also written to `output/leaderboards/results`, as by `lnlbench run`. `track` is a
    name, or the TOML file of an own track. `named` are parameters of the method, such as
    `lambda_u=0`, and options that change the track, such as `epochs=10` or
    `noise="symmetric:0.4"`; `params` holds parameters whose names are those of other arguments. A
    `dataset` may be one made by `lnlbench.Dataset.from_arrays`. Nothing is printed without
    `progress`. Threads may call this at once: their runs take turns.

    Raises:
        UsageError: a name or value is wrong; `DataError` if files are.
        Interrupted: a signal stopped the run; the same call resumes it.
        RunError: the run failed or diverged; the message says where its files are.
    """
    plugins = load_plugins()
    data = RunData(plugins, _path(data_dir), data_settings)
    meant = Meant(
        method, str(track), seed, recipe, {**named, **(params or {})}, override or {}, dataset
    )
    spec = spec_of(meant, plugins, data, data_settings or {}, _path(weights))
    options = RunOptions(
        device=resolve_device(device),
        weights=WeightSources(_path(weights), plugins.backbones),
        compiled=compiled,
        samples=samples,
        overwrite=overwrite,
        observers=plugins.manager,
    )
    display = choose_display(Console(highlight=False), quiet=not progress)
    with TURN:
        outcome = Series(plugins, Path(output), data, options).execute_one(spec, display)
    return _finished(outcome)


def _path(path: str | Path | None) -> Path | None:
    return None if path is None else Path(path)


def _finished(outcome: Outcome) -> "Result":
    if outcome.finished:
        return outcome.result
    said = describe_outcome(outcome, already=False)
    raise (Interrupted if outcome.result.status == "interrupted" else RunError)(said)
