"""Data sets of plugins in a sweep: read to pin them in the specs, and found again by the runs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lnlbench.plugins import Plugins
from lnlbench.spec.data_options import data_overrides
from lnlbench.spec.provided import ProvidedData, location_names
from lnlbench.spec.run_spec import RunSpec


class SweepData:
    """The data sets of plugins that grids name; of each, what pins it and where it lies."""

    def __init__(self, plugins: Plugins) -> None:
        self._plugins = plugins
        self._overrides: dict[str, dict[str, Any]] = {}
        self._locations: dict[str, dict[str, str]] = {}

    def overrides(
        self, dataset: str | None, settings: Mapping[str, Any], noise: str | None
    ) -> dict[str, Any]:
        """The fields of the protocol that pin a plugin's data set with these settings; else none.

        Raises:
            UsageError: there is no such data set, or a setting is wrong.
            DataError: the data cannot be read.
        """
        key = json.dumps([dataset, dict(settings), noise], sort_keys=True)
        if key not in self._overrides:
            provided = ProvidedData(self._plugins.datasets, settings)
            fields = data_overrides(self._plugins, provided, dataset, bool(settings), noise)
            if "data" in fields:
                found = provided.load(str(dataset)).locations
                places = location_names(provided.source(str(dataset)))
                # Absolute, because a node of a cluster has another working directory.
                self._locations[fields["data"]["sha256"]] = {
                    name: str(Path(value).absolute()) if name in places else value
                    for name, value in found.items()
                }
            self._overrides[key] = fields
        return self._overrides[key]

    def locations(self, spec: RunSpec) -> dict[str, str]:
        """Where the data of a run lie; empty for lnlbench's own data."""
        return {} if spec.protocol.data is None else self._locations[spec.protocol.data.sha256]
