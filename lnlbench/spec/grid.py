"""Grids of methods, tracks, overrides, settings and seeds, from flags or from a file."""

from collections.abc import Iterator
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

from lnlbench.errors import UsageError, first_problem, shown, unknown_name
from lnlbench.noise import parse_noise
from lnlbench.plugins import Catalogue
from lnlbench.plugins.tracks import find_track
from lnlbench.results.tuning import Tuning, read_tuning
from lnlbench.spec.axes import parse_seeds, split_names
from lnlbench.spec.overrides import check_overrides
from lnlbench.spec.run_spec import MATCHED
from lnlbench.system.documents import parse_toml, read_text
from lnlbench.tracks import (
    EmbeddingSpec,
    OptimizerSpec,
    PretrainedSpec,
    Protocol,
    Track,
    is_track_file,
)

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
    """Flatten tables to dotted keys, and make each single value a list of one."""
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

    Tuned recipes take the place of methods and tracks; beside them, a track is the file of a track
    that lnlbench does not ship.
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
        tracks = [track for track in self.track if not is_track_file(track)]
        if self.recipe_file and (self.method or tracks or self.recipe != MATCHED):
            raise ValueError("a recipe file says which method and recipe are run on which track")
        if not self.recipe_file and not (self.method and self.track):
            raise ValueError("it needs a method and a track, or a recipe_file")
        return self

    def check(self) -> None:
        """Refuse mistakes that do not depend on the methods; imports no method.

        Raises:
            UsageError: a track, a field, or a noise is unknown, or a value is not allowed.
        """
        for key in self.override:
            if key not in _FIELDS:
                hint = "'lnlbench tracks show' explains them."
                raise unknown_name("override", key, _FIELDS, hint)
        tracks = [find_track(track) for track in self.track]
        tracks += [_tuned_track(read_tuning(file), tracks) for file in self.recipe_file]
        for track, override in product(tracks, choices(self.override)):
            check_overrides(track.protocol, nested(override))
        for noise in self.override.get("noise", []):
            parse_noise(noise)

    def targets(self, plugins: Catalogue) -> list[tuple[str, Track, Tuning | None]]:
        """Each method with the track that it runs on, and its tuned recipe if it has one.

        Raises:
            UsageError: a track is unknown, or a file cannot be read or is not what it should be.
        """
        tracks = [find_track(track, plugins) for track in self.track]
        if self.recipe_file:
            tuned = map(read_tuning, self.recipe_file)
            return [(each.method, _tuned_track(each, tracks, plugins), each) for each in tuned]
        names = sorted(plugins.methods) if ALL in self.method else self.method
        return [(name, track, None) for name, track in product(names, tracks)]


def _tuned_track(recipe: Tuning, given: list[Track], plugins: Catalogue | None = None) -> Track:
    """The track of a tuned recipe: one of the given ones if it has that name."""
    named = [track for track in given if track.name == recipe.track]
    return named[0] if named else find_track(recipe.track, plugins)


class SweepFile(BaseModel):
    """A sweep file: one or more grids."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    grid: list[Grid] = Field(min_length=1)


def read_sweep_file(path: Path) -> list[Grid]:
    """The grids of a sweep file.

    Raises:
        UsageError: the file cannot be read, or is not a sweep file; the message says why.
    """
    try:
        document = parse_toml(read_text(path))
    except (OSError, ValueError) as error:
        raise UsageError(f"Cannot read the sweep file {path}: {error}.") from error
    try:
        return SweepFile.model_validate(document).grid
    except ValidationError as error:
        raise UsageError(
            f"{path} is not a sweep file: {first_problem(error)}. It is TOML with tables "
            f"[[grid]]; each has {', '.join(Grid.model_fields)}."
        ) from error


def choices(axes: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    """Every combination of one value for each key."""
    for values in product(*axes.values()):
        yield dict(zip(axes, values, strict=True))


def nested(values: dict[str, Any]) -> dict[str, Any]:
    """The dictionary with its dotted keys made nested dictionaries."""
    parts: dict[str, Any] = {}
    for key, value in values.items():
        part, dot, name = key.partition(".")
        if dot:
            fields = parts.get(part, {})
            if not isinstance(fields, dict):
                raise UsageError(
                    f"The override {part}={shown(fields)} leaves no place for {shown(key)}. Give "
                    "one of the two."
                )
            parts[part] = {**fields, name: value}
        else:
            parts[key] = value
    return parts
