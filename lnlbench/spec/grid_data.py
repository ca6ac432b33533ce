"""Data sets of plugins that grids name: read to pin them in specs, and found again by runs."""

import json
from collections.abc import Mapping
from typing import Any

from lnlbench.plugins import Catalogue
from lnlbench.spec.run_data import RunData
from lnlbench.spec.run_spec import RunSpec
from lnlbench.tracks import Track


class GridData:
    """Fields that pin each plugin's data set in grids, and the places where the data lie.

    This object does not keep the data: the runs read them in processes of their own. Only `kept`
    keeps them, for runs in this process; then its settings are those of all grids.
    """

    def __init__(self, plugins: Catalogue, kept: RunData | None = None) -> None:
        self._plugins = plugins
        self._kept = kept
        self._overrides: dict[str, dict[str, Any]] = {}
        self._pinned: dict[str, Track] = {}
        self._locations: dict[str, dict[str, str]] = {}

    def overrides(
        self,
        dataset: str | None,
        settings: Mapping[str, Any],
        noise: str | None,
        size: int | None = None,
    ) -> dict[str, Any]:
        """The protocol's fields that pin a plugin's data set; empty for lnlbench's own.

        Images get the `size` that the runs' network takes, in pixels, unless `settings` name one.

        Raises:
            UsageError: there is no such data set, or a setting is wrong.
            DataError: the data cannot be read.
        """
        key = json.dumps([dataset, dict(settings), noise, size], sort_keys=True, default=str)
        if key not in self._overrides:
            data = self._kept or RunData(self._plugins, settings=settings)
            fields = data.overrides(dataset, noise, size)
            if "data" in fields:
                # Absolute paths, because a node of a cluster has another working directory.
                self._locations[fields["data"]["sha256"]] = data.locations(str(dataset), size)
            self._overrides[key] = fields
        return self._overrides[key]

    def pinned(self, track: Track, settings: Mapping[str, Any]) -> Track:
        """An own track whose protocol says which data of a plugin it has, if it has such data.

        Raises:
            UsageError: there is no such data set, or a setting is wrong or would change the track.
            DataError: the data cannot be read, or are not those that the track expects.
        """
        key = json.dumps(
            [track.model_dump(mode="json"), str(track.folder), dict(settings)], default=str
        )
        if key not in self._pinned:
            data = self._kept or RunData(self._plugins, settings=settings)
            self._pinned[key], places = data.pinned(track)
            pinned = self._pinned[key].protocol.data
            if pinned is not None:
                self._locations[pinned.sha256] = places
        return self._pinned[key]

    def locations(self, spec: RunSpec) -> dict[str, str]:
        """Where a run's data set lies; empty for lnlbench's own."""
        pinned = spec.protocol.data
        return {} if pinned is None else self._locations[pinned.sha256]
