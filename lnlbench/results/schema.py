"""The fields of a result file; docs/guide/results.md explains each of them."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    JsonValue,
    model_validator,
)

from lnlbench.document import Document, LeftOut
from lnlbench.results.diagnostics import Diagnostics
from lnlbench.results.fingerprint import canonical_json, fingerprint
from lnlbench.results.scores import SCORES, Fraction, Scores
from lnlbench.results.tuning import Tuning

OFF_TRACK = "off-track"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,79}")


def _path_safe(name: str) -> str:
    # Names become folder and file names, and plugins choose some of them.
    if not _NAME.fullmatch(name) or ".." in name or name.endswith("."):
        raise ValueError(
            f"{name!r} cannot be a name: use 1 to 80 letters, digits and . _ + -, "
            "beginning with a letter or digit, without '..'"
        )
    return name


def _track_name(name: str) -> str:
    if _path_safe(name) == OFF_TRACK:
        raise ValueError(f"{OFF_TRACK!r} is the folder of off-track results, not a track")
    return name


def _plain_json(value: dict[str, Any]) -> dict[str, Any]:
    # Finds values that JsonValue accepts but a file cannot hold: NaN, infinity, lone surrogates.
    canonical_json(value).encode("utf-8")
    return value


def _encodable(text: str) -> str:
    # Error messages quote file names, which may hold bytes that are not UTF-8.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _iso_time(text: str) -> str:
    datetime.fromisoformat(text)
    return text


Text = Annotated[str, AfterValidator(_encodable)]
Name = Annotated[str, AfterValidator(_path_safe)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Json = Annotated[dict[str, JsonValue], AfterValidator(_plain_json)]


_STRICT = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Part(BaseModel):
    model_config = _STRICT


class OffTrack(_Part):
    """What a run changed in its track; its result never enters the track's table."""

    overrides: Json


class Data(_Part):
    """The data set, and the noisy labels that the method learned from."""

    dataset: Text
    noise: Text
    noise_seed: int | None
    labels_sha256: Sha256 = Field(description="Of the noisy labels as little-endian int64.")
    noise_rate: Fraction | None = Field(
        description="Realised share of wrong training labels; null if the clean labels are unknown."
    )
    num_classes: int = Field(ge=2)
    num_train: int = Field(ge=1)
    num_test: int = Field(ge=1)
    notes: list[Text] = []


class MethodInfo(Document):
    """Which method ran, from which distribution, with which code and parameters."""

    model_config = _STRICT

    name: Name
    distribution: Text
    version: Text
    params: Json
    recipe: Name
    oracle: list[Text] = Field(
        description="Privileged knowledge of the method or the protocol; a row with any is not "
        "ranked."
    )
    networks: int = Field(ge=1)
    reference: Text
    source_sha256: Annotated[Sha256 | None, LeftOut()] = Field(
        None, description="Hash of the method's own code, without comments and docstrings."
    )


class Event(_Part):
    """Something a method or the runner reported, such as an empty selection."""

    epoch: int | None = Field(ge=0)
    event: Text
    detail: JsonValue = None


class Cost(BaseModel):
    """Time and memory; further costs are finite numbers or null."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)
    __pydantic_extra__: dict[str, FiniteFloat | None]

    wall_seconds: Annotated[FiniteFloat, Field(ge=0)]
    train_images_per_second: Annotated[FiniteFloat, Field(ge=0)] | None = None
    peak_memory_bytes: int | None = Field(None, ge=0)


class Result(Document):
    """One run's outcome, as one JSON file."""

    model_config = _STRICT

    schema_version: Literal[1]
    status: Literal["done", "failed", "diverged", "interrupted"]
    track: Annotated[Name, AfterValidator(_track_name)]
    off_track: OffTrack | None
    data: Data
    method: MethodInfo
    protocol: Json
    spec: Json
    seed: int = Field(ge=0)
    scores: Scores
    curves: dict[Text, list[FiniteFloat | None]] = Field(description="One number per epoch.")
    diagnostics: Annotated[Diagnostics | None, LeftOut()] = None
    events: list[Event]
    cost: Cost
    environment: Json
    error: Text | None
    created: Annotated[str, AfterValidator(_iso_time)]
    fingerprint: Sha256

    @property
    def tuning(self) -> Tuning | None:
        """The tuned recipe that the run followed, if it was one."""
        document = self.spec.get("tuning")
        return None if document is None else Tuning.model_validate(document)

    @property
    def own_protocol(self) -> dict[str, Any]:
        """The protocol of the run: its track's, with what its recipe and its overrides changed."""
        changed = self.spec.get("protocol")
        return {**self.protocol, **(changed if isinstance(changed, dict) else {})}

    @model_validator(mode="after")
    def _consistent(self) -> "Result":
        expected = fingerprint(self.spec)
        if self.fingerprint != expected:
            raise ValueError(
                f"fingerprint {self.fingerprint[:8]}… is not that of the spec ({expected[:8]}…)"
            )
        self._check_asked()
        if self.status == "done":
            self._check_done()
        elif not self.error:
            raise ValueError(f"a result with status {self.status!r} must say why in 'error'")
        for name, values in self.curves.items():
            if name.startswith("test_accuracy") and any(v and not 0 <= v <= 1 for v in values):
                raise ValueError(f"curve {name!r} leaves [0, 1]")
        return self

    def _check_asked(self) -> None:
        # The fingerprint protects only the spec: without this, a copy could claim another seed.
        claims = {
            "track": self.track,
            "method": self.method.name,
            "recipe": self.method.recipe,
            "seed": self.seed,
        }
        tuned = self.tuning
        if tuned is not None and (tuned.method, tuned.track, tuned.recipe) != (
            *(self.method.name, self.track),
            self.method.recipe,
        ):
            raise ValueError(
                f"the recipe was tuned as {tuned.recipe!r} for {tuned.method!r} on {tuned.track!r}"
            )
        for name, value in claims.items():
            if self.spec.get(name, value) != value:
                raise ValueError(f"{name} is {value!r}, but the spec says {self.spec[name]!r}")

    def _check_done(self) -> None:
        if self.error is not None:
            raise ValueError("a result with status 'done' cannot have an 'error'")
        for score in SCORES:
            if score.shown.required and getattr(self.scores, score.name) is None:
                raise ValueError(f"a result with status 'done' must have scores.{score.name}")
        lengths = {name: len(values) for name, values in self.curves.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"curves must have one number per epoch, but have lengths {lengths}")


def result_json_schema() -> dict[str, Any]:
    """The JSON Schema of a result file; docs/result.schema.json is a copy."""
    schema = Result.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
