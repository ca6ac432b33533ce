"""Find a run's data set: it is one of lnlbench's own, or a plugin provides it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lnlbench.data import canonical_name
from lnlbench.data.dataset import Dataset
from lnlbench.data.names import GIVEN
from lnlbench.errors import UsageError
from lnlbench.networks import FEATURES
from lnlbench.noise import check_noise
from lnlbench.plugins import Catalogue
from lnlbench.plugins.known import bringer_of_data, not_installed
from lnlbench.spec.provided import Provided, ProvidedData, location_names, sized
from lnlbench.spec.track_data import check_content, track_settings
from lnlbench.spec.transfer import NO_FLAGS, pretrained_size
from lnlbench.tracks import Protocol, Track


class RunData:
    """Gives runs their data sets, and reads each data set once.

    `data_dir` is the folder of lnlbench's own files. `settings` are for a plugin's data set.
    """

    def __init__(
        self,
        plugins: Catalogue,
        data_dir: Path | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self._plugins = plugins
        self._data_dir = data_dir
        self._settings = dict(settings or {})
        self._provided = ProvidedData(plugins.datasets, self._settings)
        self._own: dict[str, Dataset] = {}

    def overrides(
        self, dataset: str | None, noise: str | None, size: int | None = None
    ) -> dict[str, Any]:
        """The protocol's fields that pin a plugin's data set; empty for lnlbench's own.

        This loads a plugin's data set, because its content pins it. If the run names no noise, it
        takes the labels that came with the data. Images get the `size` that the run's network
        takes, in pixels, unless the settings name another.

        Raises:
            UsageError: there is no such data set, or settings were given for a data set without.
            DataError: the data cannot be read.
        """
        if dataset in self._plugins.datasets:
            loaded = self._loaded(str(dataset), size)
            has_given_labels = GIVEN in loaded.dataset.human_labels
            fields = _fields(loaded)
            return fields | ({"noise": GIVEN} if has_given_labels and noise is None else {})
        if dataset is not None:
            self._check_own(dataset)
        if self._settings:
            names = ", ".join(sorted(self._plugins.datasets)) or "no plugin has one"
            raise UsageError(
                "--set-data is for the data set of a plugin, named by --dataset. "
                f"Data sets of plugins: {names}. Example: --dataset image-folder --set-data "
                "root=DIR."
            )
        return {}

    def pinned(self, track: Track) -> tuple[Track, dict[str, str]]:
        """An own track whose protocol says which data of a plugin it has, and where these lie.

        A track on lnlbench's own data stays as it is.

        Raises:
            UsageError: there is no such data set, or a setting is wrong or would change the track.
            DataError: the data cannot be read, or are not those that the track expects.
        """
        dataset, sources = track.protocol.dataset, self._plugins.datasets
        if dataset not in sources:
            self._check_own(dataset)
            if track.data is not None or self._settings:
                raise UsageError(
                    f"The data set {dataset!r} of track {track.name!r} is lnlbench's own and has "
                    "no settings. Leave out [data] in the track, and --set-data."
                )
            return track, {}
        size = pretrained_size(track.protocol, {}, NO_FLAGS)
        settings = sized(sources[dataset], size)
        settings |= track_settings(track, sources[dataset], self._settings)
        loaded = self._provided.load(dataset, settings)
        check_content(track, loaded.spec.sha256)
        return track.with_protocol(_fields(loaded)), self._absolute(dataset, loaded)

    def locations(self, dataset: str, size: int | None = None) -> dict[str, str]:
        """Settings that say where a plugin's data set lies, as absolute paths, and how to read it.

        `size` is the one that `overrides` was told.

        Raises:
            UsageError: no plugin provides the data set.
            DataError: the data cannot be read.
        """
        return self._absolute(dataset, self._loaded(dataset, size))

    def _loaded(self, dataset: str, size: int | None) -> Provided:
        return self._provided.load(dataset, sized(self._provided.source(dataset), size))

    def _check_own(self, dataset: str) -> None:
        """Refuse a data set that is not lnlbench's own; says which plugin would bring it."""
        known = bringer_of_data(dataset)
        if known is not None and not self._plugins.finds(known):
            raise not_installed(f"data set {dataset!r}", known)
        canonical_name(dataset, self._plugins.datasets)

    def _absolute(self, dataset: str, loaded: Provided) -> dict[str, str]:
        places = location_names(self._provided.source(dataset))
        return {
            name: str(Path(value).absolute()) if name in places else value
            for name, value in loaded.locations.items()
        }

    def check(self, protocol: Protocol) -> None:
        """Make sure that a protocol's data set is known and has its noise; reads no file.

        Raises:
            UsageError: it is unknown, or lnlbench's own data set does not have that noise.
        """
        if protocol.data is None:
            check_noise(protocol.noise, canonical_name(protocol.dataset))
        else:
            self._provided.source(protocol.dataset)

    def load(
        self, protocol: Protocol, remembered: Mapping[str, str]
    ) -> tuple[Dataset, Mapping[str, str]]:
        """A protocol's data set, and where a plugin found it (empty for lnlbench's own).

        `remembered` says where a plugin found the same data before.

        Raises:
            UsageError: the data set or its plugin is missing, or the plugin does not find it.
            DataError: the data are damaged, or not those that the protocol pins.
        """
        name = protocol.dataset
        if protocol.data is not None:
            found = self._provided.load_pinned(name, protocol.data, remembered)
            return found.dataset, found.locations
        if name not in self._own:
            from lnlbench.data.load import load_dataset  # imports torch

            self._own[name] = load_dataset(name, self._data_dir)
        return self._own[name], {}


def _fields(loaded: Provided) -> dict[str, Any]:
    """The fields of a protocol that pin a plugin's data set."""
    fields: dict[str, Any] = {"data": loaded.spec.model_dump(mode="json")}
    if loaded.dataset.holds_features:
        # A track's network makes features of images; these are features already.
        plain = {"weights": None, "image_size": None, "views": 1}
        fields |= {"backbone": FEATURES, "embedding": plain, "pretrained": None}
    return fields
