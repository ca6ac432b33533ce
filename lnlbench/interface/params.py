"""A method's parameters: typed, bounded and described fields, and named recipes of their values."""

import difflib
import math
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lnlbench.document import Document
from lnlbench.errors import UsageError, shown
from lnlbench.system.documents import Unbounded, parse_json


class Params(Document):
    """Base class of a method's parameters: typed, described fields; refuses unknown keys.

    Mark a parameter that is added later as LeftOut, so that runs with its default keep their
    fingerprints.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False
    )


@dataclass(frozen=True)
class SearchRange:
    """The values of a parameter that `lnlbench tune` tries: `Annotated[float, SearchRange(0, 1)]`.

    If both ends are whole numbers, a search tries whole numbers alone. With `log`, it tries small
    values as often as large ones.

    Raises:
        ValueError: the ends are not numbers in order, or `log` reaches down to zero.
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"a search range goes up between numbers, not as {self}")
        if self.log and self.low <= 0:
            raise ValueError(f"a logarithmic search range begins above 0, not as {self}")

    @property
    def whole(self) -> bool:
        """Whether a search tries only whole numbers."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def __str__(self) -> str:
        return f"{self.low}..{self.high}{':log' if self.log else ''}"


def search_ranges(params: type[Params]) -> dict[str, SearchRange]:
    """The ranges that the fields of a Params class declare, in the order of the fields."""
    return {
        name: marker
        for name, field in params.model_fields.items()
        for marker in field.metadata
        if isinstance(marker, SearchRange)
    }


class CleanSubsetParams(Params):
    """Parameters of a method with "clean_subset" in `oracle`: whose clean labels it gets."""

    clean_share: float = Field(
        0.1,
        gt=0,
        le=1,
        description="Share of the training samples whose clean labels are known, at least two.",
    )
    clean_seed: int = Field(
        0, ge=0, description="Which samples these are: the same ones for every seed of the run."
    )


class Recipe(BaseModel):
    """A named setting of a method: parameter overrides and, for `native`, the paper's schedule.

    `schedule` replaces fields of the track's protocol (epochs, batch_size, optimizer, …).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    params: dict[str, Any] = Field(default_factory=dict)
    schedule: dict[str, Any] = Field(default_factory=dict)
    note: str = ""


def parse_assignments(assignments: list[str], option: str = "--set") -> dict[str, Any]:
    """Read `key=value` settings; a value that parses as JSON is JSON, any other is text.

    Raises:
        UsageError: an assignment has no `=`, no key, or its key was given twice.
    """
    values: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        key = key.strip().replace("-", "_")
        if not equals or not key:
            raise UsageError(
                f"{option} takes key=value, not {shown(assignment)}. Example: {option} lambda_u=25"
            )
        if key in values:
            raise UsageError(
                f"{option} gives {shown(key)} twice: {shown(values[key])} and {shown(text)}. "
                "Give it once."
            )
        values[key] = parse_value(text, f"{option} {key}")
    return values


def parse_value(text: str, where: str) -> Any:
    """A value of the command line: JSON where it parses as JSON, else text.

    Raises:
        UsageError: it is nested too deep, or a number has too many digits.
    """
    try:
        return parse_json(text)
    except Unbounded as error:
        raise UsageError(f"{shown(where)}: the value is refused, because {error}.") from error
    except ValueError:
        return text


def validate_params(
    owner: str, params: type[Params], values: dict[str, Any], kind: str = "method"
) -> Params:
    """Build the parameters of a method, or of another `kind` of thing, from plain values.

    Raises:
        UsageError: an unknown key, a wrong type, or a value out of bounds; the message says what is
            allowed.
    """
    command = f"lnlbench {kind.replace(' ', '')}s show {owner}"
    unknown = [key for key in values if key not in params.model_fields]
    if unknown:
        names = sorted(params.model_fields)
        near = difflib.get_close_matches(unknown[0][:100], names, n=1, cutoff=0.5)
        guess = f" Did you mean {near[0]!r}?" if near else ""
        listing = ", ".join(names) or "none"
        raise UsageError(
            f"{kind.capitalize()} {owner!r} has no parameter {shown(unknown[0])}.{guess} "
            f"Its parameters: {listing}. '{command}' explains them."
        )
    try:
        return params.model_validate(values)
    except ValidationError as error:
        first, *others = error.errors()
        # If a field allows several types, each type has its own error under its own name.
        same = [other for other in others if other["loc"][:1] == first["loc"][:1]]
        place = first["loc"][:1] if same else first["loc"]
        name = ".".join(map(str, place)) or "the parameters together"
        allowed = "; or ".join(dict.fromkeys(each["msg"] for each in (first, *same)))
        field = params.model_fields.get(str(first["loc"][0])) if first["loc"] else None
        meaning = f" ({field.description})" if field is not None and field.description else ""
        wrong = f"was given {shown(first['input'])}: {allowed}"
        if first["type"] == "missing":
            option = "--set-data" if kind == "data set" else "--set"
            wrong = f"is missing. Give it with {option} {name}=VALUE"
        raise UsageError(
            f"Parameter {name!r} of {kind} {owner!r}{meaning} {wrong}. "
            f"'{command}' lists types and bounds."
        ) from error
