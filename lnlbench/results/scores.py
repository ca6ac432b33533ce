"""The scores of a run: the one list that result files, tables and pages use.

A new score needs a field of `Scores`, marked with `LeftOut()` so that older files keep their bytes,
and a function that measures it, such as those in `lnlbench.metrics.calibration.TEST_SCORES`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, FiniteFloat

from lnlbench.document import Document, LeftOut

Fraction = Annotated[FiniteFloat, Field(ge=0, le=1)]
NotNegative = Annotated[FiniteFloat, Field(ge=0)]

RANKED_SCORE = "test_accuracy_last10"


class Section(StrEnum):
    """The subject of a score; tables show the scores of one section side by side."""

    ACCURACY = "accuracy"
    SELECTION = "label selection"
    MEMORIZATION = "memorization"
    CALIBRATION = "calibration"


@dataclass(frozen=True)
class Shown:
    """How tables show a score: heading, section, format, and whether higher or lower is better.

    Every finished run has a value for a `required` score.
    """

    title: str
    section: Section
    format: Literal["percent", "number"] = "percent"
    better: Literal["higher", "lower"] = "higher"
    required: bool = False


class Scores(Document):
    """Plain numbers, accuracies as fractions; null if a score is not defined for the run."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    test_accuracy_last10: Annotated[
        Fraction | None, Shown("last 10", Section.ACCURACY, required=True)
    ] = Field(
        None,
        description="Mean test accuracy of the last 10 epochs; only this score decides the rank.",
    )
    test_accuracy_last: Annotated[
        Fraction | None, Shown("last", Section.ACCURACY, required=True)
    ] = Field(None, description="Test accuracy after the last epoch.")
    test_accuracy_selected: Annotated[Fraction | None, Shown("selected", Section.ACCURACY)] = Field(
        None,
        description="Of the epoch chosen on a validation split: noisy, unless method.oracle has "
        "clean_validation.",
    )
    test_accuracy_best: Annotated[
        Fraction | None, Shown("best", Section.ACCURACY, required=True)
    ] = Field(
        None, description="Test accuracy of the epoch chosen on the test set: shown, never ranked."
    )
    test_accuracy_last10_single: Annotated[
        Fraction | None, Shown("single network", Section.ACCURACY)
    ] = Field(None, description="Last-10 mean of only the first network.")
    label_precision: Annotated[Fraction | None, Shown("label precision", Section.SELECTION)] = (
        Field(None, description="Share of the labels believed clean that are clean.")
    )
    label_recall: Annotated[Fraction | None, Shown("label recall", Section.SELECTION)] = Field(
        None, description="Share of the clean labels that are believed clean."
    )
    label_f1: Annotated[Fraction | None, Shown("label F1", Section.SELECTION)] = Field(
        None, description="Harmonic mean of label precision and label recall."
    )
    clean_auroc: Annotated[Fraction | None, Shown("AUROC", Section.SELECTION, format="number")] = (
        Field(
            None,
            description="How well the clean probability orders clean before wrong labels; 0.5 is "
            "chance.",
        )
    )
    memorization: Annotated[
        Fraction | None, Shown("memorization", Section.MEMORIZATION, better="lower")
    ] = Field(
        None, description="Training accuracy against the noisy label on wrongly labeled samples."
    )
    ece: Annotated[
        Fraction | None, Shown("ECE", Section.CALIBRATION, format="number", better="lower")
    ] = Field(None, description="Expected calibration error on the test set.")
    nll: Annotated[
        NotNegative | None, Shown("NLL", Section.CALIBRATION, format="number", better="lower")
    ] = Field(None, description="Negative log-likelihood of the test labels, in nats.")
    brier: Annotated[
        Annotated[FiniteFloat, Field(ge=0, le=2)] | None,
        Shown("Brier score", Section.CALIBRATION, format="number", better="lower"),
        LeftOut(),
    ] = Field(
        None,
        description="Mean squared distance of the predicted probabilities from the one-hot test "
        "labels, 0 to 2.",
    )


@dataclass(frozen=True)
class Score:
    """A score by its name in files and curves, what it means, and how tables show it."""

    name: str
    meaning: str
    shown: Shown


def _scores() -> tuple[Score, ...]:
    found = []
    for name, field in Scores.model_fields.items():
        [shown] = [marker for marker in field.metadata if isinstance(marker, Shown)]
        found.append(Score(name, field.description or "", shown))
    return tuple(found)


SCORES = _scores()
