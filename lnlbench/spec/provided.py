"""Data sets of plugins: loaded with their settings, and pinned in a spec by their content."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from lnlbench.errors import DataError, unknown_name
from lnlbench.interface.data_source import DataSource
from lnlbench.interface.params import validate_params
from lnlbench.tracks import DataSpec

if TYPE_CHECKING:
    from lnlbench.data.dataset import Dataset


IMAGE_SIZE = "image_size"


@dataclass(frozen=True)
class Provided:
    """A loaded data set, its fields in a spec, and settings of where it lies and how it is read."""

    dataset: "Dataset"
    spec: DataSpec
    locations: Mapping[str, str]


class ProvidedData:
    """The data sets of plugins, each loaded once for the settings given on the command line."""

    def __init__(self, sources: Mapping[str, DataSource], given: Mapping[str, Any]) -> None:
        self._sources = sources
        self._given = dict(given)
        self._loaded: dict[str, Provided] = {}

    def source(self, name: str) -> DataSource:
        """The data set of that name; UsageError when no plugin provides it."""
        if name not in self._sources:
            hint = "This run needs the plugin that provides it; 'lnlbench plugins' lists plugins."
            raise unknown_name("data set of a plugin", name, self._sources, hint)
        return self._sources[name]

    def load(self, name: str, settings: Mapping[str, Any] | None = None) -> Provided:
        """The data set with the given settings; `settings` hold those that were not given.

        Raises:
            UsageError: a setting is unknown, missing, or not allowed.
            DataError: the data cannot be read, or do not form a valid data set.
        """
        return self._load(name, {**(settings or {}), **self._given})

    def load_pinned(self, name: str, spec: DataSpec, remembered: Mapping[str, str]) -> Provided:
        """The data of a spec, from where the settings say, else from where they were last time.

        Raises:
            DataError: the data in that place have another content.
        """
        for loaded in self._loaded.values():
            if loaded.dataset.name == name and loaded.spec == spec:
                return loaded
        provided = self._load(name, {**spec.settings, **remembered, **self._given})
        if provided.spec.sha256 != spec.sha256:
            places = ", ".join(f"{key}={value}" for key, value in provided.locations.items())
            raise DataError(
                f"The data of {name} ({places or 'no place given'}) are not those of this run: "
                f"their sha256 is {provided.spec.sha256[:16]}…, and the spec says "
                f"{spec.sha256[:16]}…. A file has changed, or another version of a library decodes "
                "it otherwise. Give the place of the same data with --set-data, or start a new run "
                "on these."
            )
        return provided

    def _load(self, name: str, settings: Mapping[str, Any]) -> Provided:
        source = self.source(name)
        params = validate_params(name, source.params, dict(settings), kind="data set")
        places = location_names(source)
        apart = [*places, *source.reading]
        fields = params.model_dump(mode="json")
        key = repr((name, fields))
        if key not in self._loaded:
            from lnlbench.spec.content import check_dataset, content_sha256  # imports torch

            dataset = source.load(params)
            check_dataset(dataset, name)
            self._loaded[key] = Provided(
                dataset,
                DataSpec(
                    settings={each: value for each, value in fields.items() if each not in apart},
                    sha256=content_sha256(dataset),
                ),
                {
                    each: str(fields[each])
                    for each in apart
                    if fields[each] is not None
                    and (each in places or each in params.model_fields_set)
                },
            )
        return self._loaded[key]


def sized(source: DataSource, size: int | None) -> dict[str, Any]:
    """The setting `image_size` with the size that a run's network takes, if the data set has it.

    The settings are empty if the network takes images of any size (`size` is None).
    """
    field = source.params.model_fields.get(IMAGE_SIZE)
    takes_it = size is not None and field is not None and field.annotation is int
    return {IMAGE_SIZE: size} if takes_it else {}


def location_names(source: DataSource) -> list[str]:
    """The settings that say where data lie: those whose type is Path, or Path or None."""
    return [
        key
        for key, field in source.params.model_fields.items()
        if field.annotation is Path or Path in get_args(field.annotation)
    ]
