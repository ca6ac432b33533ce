"""From grids to the specs of their runs."""

from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

from lnlbench.interface.artifacts import import_artifacts
from lnlbench.networks.weight_sources import WeightSources
from lnlbench.plugins import Catalogue
from lnlbench.spec.check import check_spec
from lnlbench.spec.grid import Grid, choices, nested
from lnlbench.spec.grid_data import GridData
from lnlbench.spec.run_spec import RunSpec, build_spec
from lnlbench.spec.transfer import NO_FLAGS, TransferFlags, pretrained_size, transfer_overrides


def expand(
    grids: list[Grid],
    plugins: Catalogue,
    weights: Path | None = None,
    data: GridData | None = None,
    transfer: TransferFlags = NO_FLAGS,
) -> list[RunSpec]:
    """The specs of all grids, each once, in order; checks all of them.

    `data` learns where the data sets of plugins lie; `transfer` is the same for all runs.

    Raises:
        UsageError: a name is unknown, or a value is not allowed.
        DataError: an artifact, a weights file or a data set is damaged.
    """
    sources = WeightSources(weights, plugins.backbones)
    data = data or GridData(plugins)
    specs = [spec for grid in grids for spec in _specs(grid, plugins, sources, data, transfer)]
    unique = {spec.fingerprint: spec for spec in specs}
    for spec in _one_per_seed_group(unique.values()):
        check_spec(plugins, spec)
    return list(unique.values())


def _specs(
    grid: Grid,
    plugins: Catalogue,
    sources: WeightSources,
    data: GridData,
    transfer: TransferFlags,
) -> Iterator[RunSpec]:
    grid.check()
    for name, track, tuning in grid.targets(plugins):
        method = plugins.method(name)
        for override, settings, data_settings in product(
            choices(grid.override), choices(grid.set), choices(grid.set_data)
        ):
            protocol = nested(override)
            dataset, backbone = protocol.get("dataset"), protocol.get("backbone")
            meant = track
            if track.own and dataset in (None, track.protocol.dataset):
                meant = data.pinned(track, data_settings)
            else:
                own = dataset in plugins.datasets
                size = pretrained_size(track.protocol, protocol, transfer) if own else None
                noise = protocol.get("noise")
                protocol |= data.overrides(dataset, data_settings, noise, size)
            # The track's weights fit only the track's own network.
            changed = transfer_overrides(meant.protocol, backbone, transfer, sources)
            for part, changes in changed.items():
                protocol[part] = {**changes, **(protocol.get(part) or {})}
            params = import_artifacts(method.Params, settings)
            first = build_spec(method, meant, grid.recipe, protocol, params, grid.seeds[0], tuning)
            yield from (first.model_copy(update={"seed": seed}) for seed in grid.seeds)


def _one_per_seed_group(specs: Iterable[RunSpec]) -> list[RunSpec]:
    """One of the specs that differ only in their seeds; the checks do not depend on the seed."""
    return list({spec.model_copy(update={"seed": 0}).fingerprint: spec for spec in specs}.values())
