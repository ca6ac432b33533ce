"""The run spec: one JSON document that alone decides what a run computes."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationError, model_validator

from lnlbench.data import canonical_name
from lnlbench.document import Document, LeftOut
from lnlbench.errors import UsageError, first_problem, unknown_name
from lnlbench.interface.params import validate_params
from lnlbench.noise import parse_noise
from lnlbench.results.fingerprint import fingerprint
from lnlbench.results.tuning import Tuning
from lnlbench.spec.overrides import merged, override_protocol, valid_protocol
from lnlbench.system.documents import Unbounded, parse_json, read_text
from lnlbench.tracks import (
    Protocol,
    Track,
    TrackDefinition,
    check_own_name,
    load_track,
    track_names,
)

if TYPE_CHECKING:
    from lnlbench.interface.declared import Declared
    from lnlbench.interface.method import Method
    from lnlbench.interface.params import Params

MATCHED = "matched"


class RunSpec(Document):
    """Everything that decides a run's result: track, protocol, method, parameters and seed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    track: str
    protocol: Protocol
    method: str
    recipe: str = MATCHED
    params: dict[str, Any] = Field(default_factory=dict)
    seed: int = Field(0, ge=0)
    tuning: Annotated[Tuning | None, LeftOut()] = Field(
        None, description="The tuned recipe, where it is one."
    )
    own_track: Annotated[TrackDefinition | None, LeftOut()] = Field(
        None, description="The track itself, where lnlbench does not ship it."
    )

    @model_validator(mode="after")
    def _own_track_has_its_own_name(self) -> "RunSpec":
        if self.own_track is not None:
            try:
                check_own_name(self.track, track_names())
            except UsageError as error:
                raise ValueError(str(error)) from error
        return self

    @model_validator(mode="after")
    def _tuned_for_this(self) -> "RunSpec":
        tuned = self.tuning
        if tuned is None:
            return self
        for name in ("method", "track", "recipe"):
            given, found = getattr(self, name), getattr(tuned, name)
            if given != found:
                raise ValueError(f"{name} is {given!r}, but the recipe was tuned for {found!r}")
        return self

    def document(self) -> dict[str, Any]:
        """The spec as plain JSON values."""
        return self.model_dump(mode="json")

    @property
    def track_definition(self) -> TrackDefinition:
        """What the spec's track fixes.

        Raises:
            UsageError: lnlbench ships no such track, and the spec does not hold it.
        """
        return self.own_track or load_track(self.track)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the canonical JSON of the spec: equal specs, equal fingerprints."""
        return fingerprint(self.document())


def parse_spec(text: str, source: str) -> RunSpec:
    """Read a spec document, or the result of a run, which holds the run's spec.

    Raises:
        UsageError: it is not JSON, or not a run spec; the message names the wrong field.
    """
    try:
        return RunSpec.model_validate_json(_embedded(text))
    except Unbounded as error:
        raise UsageError(f"{source} is not a run spec: {error}.") from error
    except ValidationError as error:
        problem = first_problem(error, "the document")
        raise UsageError(
            f"{source} is not a run spec: {problem}. "
            "'lnlbench run … --print-spec' writes a valid one."
        ) from error


def _embedded(text: str) -> str:
    try:
        document = parse_json(text)
    except Unbounded:
        raise
    except ValueError:
        return text  # the model then says what is wrong with it
    found = document.get("spec") if isinstance(document, dict) else None
    return text if found is None else json.dumps(found)


def read_spec(file: Path) -> RunSpec:
    """The spec in a JSON file; `-` stands for standard input.

    Raises:
        UsageError: the file cannot be read, or is not a run spec.
    """
    if str(file) == "-":
        return parse_spec(sys.stdin.read(), "Standard input")
    try:
        text = read_text(file)
    except (OSError, ValueError) as error:
        raise UsageError(f"Cannot read the run spec {file}: {error}.") from error
    return parse_spec(text, str(file))


def build_spec(
    method: "Declared",
    track: str | Track,
    recipe: str = MATCHED,
    overrides: dict[str, Any] | None = None,
    params: dict[str, Any] | None = None,
    seed: int = 0,
    tuning: Tuning | None = None,
) -> RunSpec:
    """The spec of one run: the track, changed by the recipe's schedule, then by `overrides`.

    A text names a track that lnlbench ships. A tuned recipe takes the place of `recipe`.

    Raises:
        UsageError: an unknown track, recipe or parameter, or a value that is not allowed.
    """
    track = load_track(track) if isinstance(track, str) else track
    protocol, recipe_params = _expected(method, track.name, track.protocol, recipe, tuning)
    fields = merged(protocol.model_dump(mode="json"), overrides or {})
    if not all(isinstance(fields[key], str) for key in ("dataset", "noise")):
        valid_protocol(fields)  # its error says which of them is not text
    # Another spelling of the same data set's name does not make another run.
    if fields.get("data") is None:
        fields["dataset"] = canonical_name(fields["dataset"])
    fields["noise"] = str(parse_noise(fields["noise"]))
    if "validation_labels" in fields and not fields["validation"]:
        raise UsageError(
            f"--validation-labels {fields['validation_labels']} says nothing without held-out "
            "samples. Add --validation with their share, such as --validation 0.1."
        )
    checked = validate_params(method.name, method.Params, {**recipe_params, **(params or {})})
    return RunSpec(
        track=track.name,
        protocol=valid_protocol(fields),
        method=method.name,
        recipe=recipe if tuning is None else tuning.recipe,
        params=checked.model_dump(mode="json"),
        seed=seed,
        tuning=tuning,
        own_track=track.definition,
    )


def params_of(spec: RunSpec, method: "Declared") -> "Params":
    """The parameters that the spec gives its method.

    Raises:
        UsageError: the method has no such parameter, or a value is not allowed.
    """
    return validate_params(method.name, method.Params, spec.params)


def make_method(spec: RunSpec, method: "type[Method]") -> "Method":
    """The spec's method, with the spec's parameters.

    Raises:
        UsageError: the method has no such parameter, or a value is not allowed.
    """
    return method(params_of(spec, method))


def deviations(spec: RunSpec, method: "Declared") -> dict[str, Any]:
    """What the spec changes of its track and recipe; empty when it belongs in the track's table."""
    track = spec.track_definition.protocol
    protocol, recipe_params = _expected(method, spec.track, track, spec.recipe, spec.tuning)
    expected = protocol.model_dump(mode="json")
    given = spec.protocol.model_dump(mode="json")
    changed = _changes(given, expected)
    params = validate_params(method.name, method.Params, recipe_params).model_dump(mode="json")
    changed.update({f"params.{key}": value for key, value in _changes(spec.params, params).items()})
    return changed


def _changes(given: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """The given values that differ; a missing value is None, because unset ones are left out."""
    keys = [*given, *(expected.keys() - given.keys())]
    return {key: given.get(key) for key in keys if given.get(key) != expected.get(key)}


def _expected(
    method: "Declared", track: str, protocol: Protocol, recipe: str, tuning: Tuning | None
) -> tuple[Protocol, dict[str, Any]]:
    """The protocol and parameter overrides of a method's recipe on the track of that protocol.

    A recipe `NAME@TRACK` takes precedence over `NAME`. `matched` means the defaults and needs no
    entry.
    """
    if tuning is not None:
        protocol, params = _expected(method, track, protocol, tuning.base, None)
        return protocol, {**params, **tuning.params}
    chosen = None
    if "@" not in recipe:
        chosen = method.recipes.get(f"{recipe}@{track}", method.recipes.get(recipe))
    if chosen is None:
        if recipe == MATCHED:
            return protocol, {}
        names = {name.partition("@")[0] for name in method.recipes} | {MATCHED}
        raise unknown_name(f"recipe of method {method.name!r}", recipe, names)
    return override_protocol(protocol, _whole_schedule(chosen.schedule)), chosen.params


def _whole_schedule(schedule: dict[str, Any]) -> dict[str, Any]:
    """A recipe's schedule, without what a track says about learning rates in the other way."""
    if "milestones" in schedule:
        return {"cosine_to": None, **schedule}
    if "cosine_to" in schedule:
        return {"milestones": (), **schedule}
    return schedule
