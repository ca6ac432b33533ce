"""The spec of a run that somebody describes from Python, on data in memory too."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from lnlbench.cli.options.protocol import ProtocolOptions
from lnlbench.data.dataset import Dataset
from lnlbench.data.names import DATASETS
from lnlbench.errors import UsageError
from lnlbench.interface.data_source import DataSource
from lnlbench.interface.params import Params
from lnlbench.plugins import Plugins
from lnlbench.spec.expand import expand
from lnlbench.spec.grid import Grid
from lnlbench.spec.grid_data import GridData
from lnlbench.spec.run_data import RunData
from lnlbench.spec.run_spec import RunSpec

_PROTOCOL = {field.name for field in fields(ProtocolOptions)} - {"dataset", "override"}


@dataclass(frozen=True)
class Meant:
    """What a caller asks for.

    `settings` are parameters of the method and options that change the track; `override` holds
    fields of the track by their names, such as `optimizer.momentum`.
    """

    method: str
    track: str
    seed: int
    recipe: str
    settings: Mapping[str, Any]
    override: Mapping[str, Any]
    dataset: str | Dataset | None


def spec_of(
    meant: Meant,
    plugins: Plugins,
    data: RunData,
    data_settings: Mapping[str, Any],
    weights: Path | None,
) -> RunSpec:
    """The checked spec; a data set in memory is added to those that `plugins` provide.

    `data` reads the data set, and keeps it for the run.

    Raises:
        UsageError: a name or value is wrong.
        DataError: the data or the weights are damaged.
    """
    dataset = meant.dataset
    if isinstance(dataset, Dataset):
        provide(plugins, dataset)
    name = dataset.name if isinstance(dataset, Dataset) else dataset
    changes = {key: value for key, value in meant.settings.items() if key in _PROTOCOL}
    params = {key: value for key, value in meant.settings.items() if key not in _PROTOCOL}
    protocol = ProtocolOptions(dataset=name, **changes)
    grid = Grid(
        method=[meant.method],
        track=[meant.track],
        seeds=[meant.seed],
        recipe=meant.recipe,
        recipe_file=[],
        override=protocol.axes() | _single(meant.override),
        set=_single(params),
        set_data=_single(data_settings),
    )
    kept = GridData(plugins, kept=data)
    (spec,) = expand([grid], plugins, weights, kept, protocol.transfer())
    return spec


def provide(plugins: Plugins, dataset: Dataset) -> None:
    """Let runs find a data set that is in memory, as if a plugin provided it."""
    if dataset.name in DATASETS or dataset.name in plugins.datasets:
        raise UsageError(
            f"The name {dataset.name!r} belongs to an installed data set. Give yours another "
            "name: lnlbench.Dataset.from_arrays(…, name=…)."
        )
    plugins.datasets[dataset.name] = DataSource(
        dataset.name, "arrays in memory", Params, lambda settings: dataset
    )


def _single(values: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {key: [value] for key, value in values.items()}
