"""Tuned recipes: parameters that a search found, and what a reader must know about the search."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    JsonValue,
    ValidationError,
)

from lnlbench.errors import UsageError, first_problem
from lnlbench.system.documents import parse_json, read_text


class SearchedRange(BaseModel):
    """A range that was searched; its values are whole numbers if both ends are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    low: int | FiniteFloat
    high: int | FiniteFloat
    log: bool = False


class Tuning(BaseModel):
    """A recipe that `lnlbench tune` found on noisy validation labels, and where it comes from.

    This document is the recipe file, and part of the spec of every run that follows the recipe.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    schema_version: Literal[1] = 1
    method: str
    track: str
    recipe: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,79}$")
    base: str = Field(description="The recipe that the search began with.")
    params: dict[str, JsonValue] = Field(description="The parameters that differ from the base's.")
    objective: str = Field(description="The curve that was compared: its mean over last epochs.")
    direction: Literal["maximize", "minimize"] = "maximize"
    score: float
    default_score: float | None = Field(description="The base's own score, by the same measure.")
    validation: float = Field(gt=0, lt=0.9, description="Share held out, with noisy labels.")
    validation_samples: int = Field(ge=1)
    seeds: list[Annotated[int, Field(ge=0)]] = Field(min_length=1)
    trials: int = Field(
        ge=1, description="All trials that were begun, pruned and failed ones included."
    )
    pruned: int = Field(ge=0)
    failed: int = Field(ge=0)
    wall_seconds: float = Field(ge=0, description="Total time of all trials.")
    search: dict[str, SearchedRange]
    fixed: dict[str, JsonValue] = {}
    overrides: dict[str, JsonValue] = Field(
        {}, description="The overrides that made trials shorter than runs."
    )
    sampler: str
    sampler_seed: int
    pruner: str
    versions: dict[str, JsonValue]
    created: str


def read_tuning(path: Path) -> Tuning:
    """The tuned recipe of a recipe file, of a run's spec, or of a run's result.

    Raises:
        UsageError: the file cannot be read, or holds no tuned recipe; the message says why.
    """
    try:
        document = parse_json(read_text(path))
    except (OSError, ValueError) as error:
        raise UsageError(f"Cannot read the recipe file {path}: {error}.") from error
    try:
        return Tuning.model_validate(_embedded(document))
    except ValidationError as error:
        problem = first_problem(error, "the document")
        raise UsageError(
            f"{path} is not a recipe file: {problem}. 'lnlbench tune' writes one; "
            "the result of a run with a tuned recipe holds it too."
        ) from error


def _embedded(document: Any) -> Any:
    for key in ("spec", "tuning"):
        if isinstance(document, dict) and key in document:
            document = document[key]
    return document
