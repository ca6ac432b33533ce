"""Which runs: grids of methods, tracks, overrides, settings and seeds, by flags or from a file."""

import tomllib
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from lnlbench.errors import UsageError, first_problem, unknown_name
from lnlbench.interface.artifacts import import_artifacts
from lnlbench.networks.weights import WeightSources
from lnlbench.plugins import Plugins
from lnlbench.results.tuning import Tuning, read_tuning
from lnlbench.spec.axes import parse_seeds, split_names
from lnlbench.spec.check import check_spec
from lnlbench.spec.grid_data import SweepData
from lnlbench.spec.run_spec import MATCHED, RunSpec, build_spec
from lnlbench.spec.transfer import TransferFlags, transfer_overrides
from lnlbench.tracks import EmbeddingSpec, OptimizerSpec, PretrainedSpec, Protocol

ALL = "all"

_PARTS: dict[str, type[BaseModel]] = {
    "optimizer": OptimizerSpec,
    "embedding": EmbeddingSpec,
    "pretrained": PretrainedSpec,
}
_FIELDS = [name for name in Protocol.model_fields if name not in _PARTS] + [
    f"{part}.{name}" for part, model in _PARTS.items() for name in model.model_fields
]


def _as_names(value: object) -> object:
    if isinstance(value, str):
        return split_names([value])
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return split_names(value)
    return value


def _as_files(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _as_seeds(value: object) -> object:
    if isinstance(value, int | str) and not isinstance(value, bool):
        return parse_seeds(str(value))
    return value


def _as_axes(value: object) -> object:
    """Tables flattened to dotted keys, and each single value made a list of one."""
    if not isinstance(value, dict):
        return value
    axes = {}
    for key, each in value.items():
        if isinstance(each, dict):
            axes.update({f"{key}.{name}": inner for name, inner in each.items()})
        else:
            axes[key] = each
    return {
        key.replace("-", "_"): each if isinstance(each, list) else [each]
        for key, each in axes.items()
    }


Names = Annotated[list[str], BeforeValidator(_as_names)]
Files = Annotated[list[Path], BeforeValidator(_as_files)]
Seeds = Annotated[
    list[Annotated[int, Field(ge=0)]], BeforeValidator(_as_seeds), Field(min_length=1)
]
Axes = Annotated[dict[str, Annotated[list[Any], Field(min_length=1)]], BeforeValidator(_as_axes)]


class Grid(BaseModel):
    """Every combination of methods, tracks, overrides of the track, parameters and seeds.

    Tuned recipes take the place of methods and tracks.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Names = Field([], description="Methods, or 'all'.")
    track: Names = []
    recipe_file: Files = Field([], description="Tuned recipes, each with its method and track.")
    seeds: Seeds = [0]
    recipe: str = MATCHED
    override: Axes = Field({}, description="Fields of the protocol, each with its values.")
    set: Axes = Field({}, description="Parameters of the method, each with its values.")
    set_data: Axes = Field({}, description="Settings of a plugin's data set, each with its values.")

    @model_validator(mode="after")
    def _says_what_runs(self) -> "Grid":
        if self.recipe_file and (self.method or self.track or self.recipe != MATCHED):
            raise ValueError("a recipe file says which method and recipe are run on which track")
        if not self.recipe_file and not (self.method and self.track):
            raise ValueError("it needs a method and a track, or a recipe_file")
        return self

    def targets(self, plugins: Plugins) -> list[tuple[str, str, Tuning | None]]:
        """Each method with the track that it runs on, and its tuned recipe, if it is one.

        Raises:
            UsageError: a recipe file cannot be read, or is none.
        """
        if self.recipe_file:
            tuned = map(read_tuning, self.recipe_file)
            return [(recipe.method, recipe.track, recipe) for recipe in tuned]
        names = sorted(plugins.methods) if self.method == [ALL] else self.method
        return [(name, track, None) for name, track in product(names, self.track)]


class SweepFile(BaseModel):
    """A sweep file: one or more grids."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    grid: list[Grid] = Field(min_length=1)


def read_sweep_file(path: Path) -> list[Grid]:
    """The grids of a sweep file.

    Raises:
        UsageError: the file cannot be read, or is not a sweep file; names what is wrong in it.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"Cannot read the sweep file {path}: {error}.") from error
    try:
        return SweepFile.model_validate(document).grid
    except ValidationError as error:
        raise UsageError(
            f"{path} is not a sweep file: {first_problem(error)}. It is TOML with tables "
            f"[[grid]]; each has {', '.join(Grid.model_fields)}."
        ) from error


def expand(
    grids: list[Grid],
    plugins: Plugins,
    weights: Path | None = None,
    data: SweepData | None = None,
) -> list[RunSpec]:
    """The specs of all grids, each once, in order; all of them are checked.

    `data` learns where the data sets of plugins lie.

    Raises:
        UsageError: a name is unknown, or a value is not allowed.
        DataError: an artifact, a weights file or a data set is damaged.
    """
    sources = WeightSources(weights, plugins.backbones)
    data = data or SweepData(plugins)
    specs = [spec for grid in grids for spec in _specs(grid, plugins, sources, data)]
    unique = {spec.fingerprint: spec for spec in specs}
    for spec in _one_per_seed_group(unique.values()):
        check_spec(plugins, spec)
    return list(unique.values())


def _specs(
    grid: Grid, plugins: Plugins, sources: WeightSources, data: SweepData
) -> Iterator[RunSpec]:
    for key in grid.override:
        if key not in _FIELDS:
            raise unknown_name("override", key, _FIELDS, "'lnlbench tracks show' explains them.")
    for name, track, tuning in grid.targets(plugins):
        method = plugins.method(name)
        for override, settings, data_settings in product(
            _choices(grid.override), _choices(grid.set), _choices(grid.set_data)
        ):
            protocol = _nested(override)
            protocol |= data.overrides(
                protocol.get("dataset"), data_settings, protocol.get("noise")
            )
            backbone = protocol.get("backbone")
            # A network other than the track's cannot have the track's weights.
            for part, changes in transfer_overrides(
                track, backbone, TransferFlags(), sources
            ).items():
                protocol[part] = {**changes, **protocol.get(part, {})}
            params = import_artifacts(method.Params, settings)
            first = build_spec(method, track, grid.recipe, protocol, params, grid.seeds[0], tuning)
            yield from (first.model_copy(update={"seed": seed}) for seed in grid.seeds)


def _one_per_seed_group(specs: Iterable[RunSpec]) -> list[RunSpec]:
    """One spec of those that differ in their seed alone: what is checked does not depend on it."""
    return list({spec.model_copy(update={"seed": 0}).fingerprint: spec for spec in specs}.values())


def _choices(axes: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    for values in product(*axes.values()):
        yield dict(zip(axes, values, strict=True))


def _nested(values: dict[str, Any]) -> dict[str, Any]:
    """Dotted keys as dictionaries in the dictionary."""
    nested: dict[str, Any] = {}
    for key, value in values.items():
        part, dot, name = key.partition(".")
        if dot:
            nested.setdefault(part, {})[name] = value
        else:
            nested[key] = value
    return nested
