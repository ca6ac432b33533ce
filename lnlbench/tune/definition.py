"""A search's definition: the base that it varies, its ranges and its measure, but not its size.

A definition cannot name clean labels or a test score: the held-out part keeps its noisy labels, and
a search may change only the two fields of its track that make trials shorter.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from lnlbench.document import Document, LeftOut
from lnlbench.errors import UsageError
from lnlbench.interface.artifacts import import_artifacts
from lnlbench.interface.declared import Declared
from lnlbench.interface.params import SearchRange
from lnlbench.results.fingerprint import fingerprint
from lnlbench.results.tuning import SearchedRange
from lnlbench.spec.run_spec import MATCHED, RunSpec, build_spec
from lnlbench.tracks import Track, TrackDefinition, load_track
from lnlbench.tune.space import search_space

VALIDATION_ACCURACY = "validation_accuracy"
TUNED = "tuned"
_LABELS = ("dataset", "data", "noise", "noise_seed", "validation_labels")


class Shortening(BaseModel):
    """The fields of the track that trials may change to be shorter than runs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: int | None = None
    limit_train: int | None = None

    def overrides(self) -> dict[str, Any]:
        """The overrides that were given."""
        return self.model_dump(exclude_none=True)


class SearchDefinition(Document):
    """A search's definition; a second search with the same definition resumes the first."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    method: str
    track: str
    base: str = MATCHED
    search: dict[str, SearchedRange]
    fixed: dict[str, JsonValue] = Field(default_factory=dict)
    shortening: Shortening = Shortening()
    validation: Annotated[float, Field(gt=0, lt=0.9)] = 0.1
    seeds: list[Annotated[int, Field(ge=0)]] = Field([100], min_length=1)
    objective: str = VALIDATION_ACCURACY
    direction: Literal["maximize", "minimize"] = "maximize"
    pruning: bool = True
    sampler_seed: int = 0
    own_track: Annotated[TrackDefinition | None, LeftOut()] = None

    @property
    def recipe(self) -> str:
        """The name of the recipe that the search will write."""
        return TUNED if self.base == MATCHED else f"{self.base}-{TUNED}"

    def folder(self, output: Path) -> Path:
        """The search's folder."""
        key = fingerprint(self.model_dump(mode="json"))[:8]
        return output / "tuning" / self.track / self.method / f"{self.recipe}-{key}"

    def ranges(self) -> dict[str, SearchRange]:
        """The ranges that are searched."""
        return {name: SearchRange(**each.model_dump()) for name, each in self.search.items()}

    @property
    def _meant(self) -> Track:
        own = self.own_track
        if own is None:
            return load_track(self.track)
        return Track(name=self.track, title=own.title, protocol=own.protocol)

    def specs(self, method: Declared, values: dict[str, Any]) -> list[RunSpec]:
        """The specs of a trial's runs with these values, one for each seed.

        Raises:
            UsageError: a value is not allowed, or the runs would see clean labels.
        """
        overrides = {**self.shortening.overrides(), "validation": self.validation}
        params = {**self.fixed, **values}
        first = build_spec(method, self._meant, self.base, overrides, params, self.seeds[0])
        _refuse_clean_labels(method, first)
        return [first.model_copy(update={"seed": seed}) for seed in self.seeds]


def define_search(
    method: Declared,
    track: Track,
    base: str,
    fixed: dict[str, Any],
    given: list[str],
    **settings: Any,
) -> SearchDefinition:
    """A search of a method on a track; if a plugin brings the data, the protocol pins them.

    `fixed` is from `--set`, and `given` from `--search`.

    Raises:
        UsageError: a name is unknown, a value is not allowed, or the search would see clean labels.
    """
    fixed = import_artifacts(method.Params, fixed)
    spec = build_spec(method, track, base, params=fixed)
    _refuse_clean_labels(method, spec)
    ranges = search_space(method, fixed, given, spec.params)
    return SearchDefinition(
        method=method.name,
        track=track.name,
        own_track=track.definition,
        base=base,
        search={name: SearchedRange(**asdict(span)) for name, span in ranges.items()},
        fixed=fixed,
        **settings,
    )


def _refuse_clean_labels(method: Declared, spec: RunSpec) -> None:
    privileged = sorted(method.oracle | spec.protocol.oracle)
    if privileged:
        raise UsageError(
            f"Method {method.name!r} needs knowledge that users of noisy labels lack "
            f"({', '.join(privileged)}), so it cannot be tuned. 'lnlbench methods' lists methods "
            "without an oracle."
        )
    given, track = spec.protocol, spec.track_definition.protocol
    changed = [name for name in _LABELS if getattr(given, name) != getattr(track, name)]
    if changed:
        raise UsageError(
            f"Recipe {spec.recipe!r} of method {method.name!r} changes {', '.join(changed)} of "
            f"track {spec.track!r}: a search has the labels of its track. Choose another recipe."
        )
