"""Summaries of audits whose truth is known, as files beside the results.

`leaderboards/audits/TRACK/NAME.json` is the `summary.json` that `lnlbench audit` wrote for the
training data of the track.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from lnlbench.errors import DataError, first_problem
from lnlbench.results.diagnostics import FoundLabels, Fraction

_Name = Annotated[str, Field(min_length=1, max_length=80)]


class _Part(BaseModel):
    # A summary holds more, such as confusions of classes, which no table needs.
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class AuditDetection(FoundLabels):
    """How well the suspicion found the wrong labels."""

    model_config = ConfigDict(extra="ignore")


class AuditJudge(_Part):
    """A method that judged."""

    method: _Name


class AuditConduct(_Part):
    """How the audit was done."""

    judges: Annotated[tuple[AuditJudge, ...], Field(min_length=1, strict=False)]
    folds: int = Field(ge=2)
    seed: int = Field(ge=0)
    judge_cpu_seconds: Annotated[FiniteFloat, Field(ge=0)] | None = None


class AuditNoiseRate(_Part):
    """The share of wrong labels that the audit estimated."""

    estimate: Fraction


class AuditSummary(_Part):
    """What a table needs of an audit's `summary.json`."""

    samples: int = Field(ge=1)
    noise_rate: AuditNoiseRate
    detection: AuditDetection
    about: AuditConduct

    @property
    def judges(self) -> str:
        """The names of the judges."""
        return " + ".join(judge.method for judge in self.about.judges)


Audits = Mapping[str, Sequence[AuditSummary]]
NO_AUDITS: Audits = MappingProxyType({})


def load_audits(root: Path) -> Audits:
    """The summaries in `root/audits` by track, in order of their files.

    Raises:
        DataError: a file is not the summary of an audit whose truth is known, or two are of the
            same judges, folds and seed.
    """
    found: dict[str, list[AuditSummary]] = {}
    seen: dict[tuple[str, str, int, int], Path] = {}
    for file in sorted((root / "audits").glob("*/*.json")):
        summary = _read(file)
        key = (file.parent.name, summary.judges, summary.about.folds, summary.about.seed)
        if key in seen:
            raise DataError(
                f"{seen[key]} and {file} are of the same judges, folds and seed. Delete one."
            )
        seen[key] = file
        found.setdefault(file.parent.name, []).append(summary)
    return found


def _read(file: Path) -> AuditSummary:
    try:
        return AuditSummary.model_validate_json(file.read_bytes())
    except OSError as error:
        raise DataError(f"Cannot read {file}: {error.strerror or error}") from error
    except ValidationError as error:
        raise DataError(
            f"{file} is not the summary of an audit: {first_problem(error)[:300]}. Give a "
            "summary.json of 'lnlbench audit' on a table with the column clean_label."
        ) from error
