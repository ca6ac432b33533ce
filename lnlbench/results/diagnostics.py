"""What a result holds besides scores: histograms, calibration, classes; all optional."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from lnlbench.document import Document, LeftOut

MAX_BINS = 60
MAX_SNAPSHOTS = 12
MAX_CLASSES = 200
MAX_PAIRS = 400


def _encodable(text: str) -> str:
    # Class names come from the data sets of plugins.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


Fraction = Annotated[FiniteFloat, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Name = Annotated[str, Field(max_length=80), AfterValidator(_encodable)]
Bins = Annotated[list[Count], Field(min_length=1, max_length=MAX_BINS)]
Components = Annotated[list[FiniteFloat], Field(min_length=1, max_length=8)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class FittedMixture(_Part):
    """A Gaussian mixture that a method fitted to the values of a histogram."""

    weights: Annotated[list[Fraction], Field(min_length=1, max_length=8)]
    means: Components
    variances: Annotated[list[Annotated[FiniteFloat, Field(gt=0)]], Field(max_length=8)]

    @model_validator(mode="after")
    def _consistent(self) -> "FittedMixture":
        if not len(self.weights) == len(self.means) == len(self.variances):
            raise ValueError("a mixture has as many weights as means and variances")
        return self


class Histogram(_Part):
    """Counts in bins of one width from `low` to `high`; the outer bins hold what lies beyond."""

    of: Name = Field(description="What is counted, such as 'loss'.")
    low: FiniteFloat
    high: FiniteFloat
    counts: dict[Literal["clean", "wrong", "all"], Bins] = Field(
        description="Counts for clean and for wrong labels; 'all' if the truth is unknown."
    )
    threshold: FiniteFloat | None = None
    mixture: FittedMixture | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "Histogram":
        if not self.low < self.high:
            raise ValueError(f"a histogram cannot reach from {self.low} to {self.high}")
        if len({len(counts) for counts in self.counts.values()}) != 1:
            raise ValueError("the counts of a histogram must have the same bins")
        return self


class Snapshot(_Part):
    """Histograms over training samples after one epoch, counted from 0."""

    epoch: Count
    histograms: Annotated[list[Histogram], Field(max_length=3)]


class Reliability(_Part):
    """Calibration on the test set after the last epoch, in equal bins of confidence from 0 to 1."""

    count: Bins
    confidence: list[Fraction | None] = Field(
        description="The mean in the bin; null for an empty bin."
    )
    accuracy: list[Fraction | None]

    @model_validator(mode="after")
    def _consistent(self) -> "Reliability":
        if not len(self.count) == len(self.confidence) == len(self.accuracy):
            raise ValueError("reliability must have one count, confidence and accuracy per bin")
        return self


class Classes(_Part):
    """One number per class, in the order of the labels."""

    names: Annotated[list[Name], Field(min_length=2, max_length=MAX_CLASSES)]
    given: list[Count] = Field(description="Training samples that are labeled as the class.")
    noise_rate: list[Fraction | None] | None = Field(
        description="Share of the training samples of the true class that are labeled otherwise."
    )
    test_accuracy: list[Fraction | None] = Field(description="After the last epoch.")

    @model_validator(mode="after")
    def _consistent(self) -> "Classes":
        rates = self.noise_rate if self.noise_rate is not None else self.given
        if not len(self.names) == len(self.given) == len(self.test_accuracy) == len(rates):
            raise ValueError("classes must have one value per class")
        return self


class LabelConfusion(_Part):
    """How often training samples of class `true` are labeled `given`: the most frequent mistakes.

    With at most 20 classes, these are all pairs that occur; otherwise the most frequent ones of
    each class.
    """

    true: Annotated[list[Count], Field(max_length=MAX_PAIRS)]
    given: list[Count]
    count: list[Count]

    @model_validator(mode="after")
    def _consistent(self) -> "LabelConfusion":
        if not len(self.true) == len(self.given) == len(self.count):
            raise ValueError("label_confusion must have one true class, given class and count each")
        return self


class FoundLabels(_Part):
    """How well wrong labels are found, by a run or by an audit."""

    auroc: Fraction | None
    average_precision: Fraction | None
    precision_at_100: Fraction
    precision_at_true_number: Fraction | None
    flagged_f1: Fraction | None
    flagged_share: Fraction
    true_noise_rate: Fraction


class Detection(FoundLabels):
    """How well a finished run finds the wrong labels that it was trained on: in sample.

    The samples are sorted by `of`, and those are flagged that the method holds for wrong. A value
    is null if it is not defined.
    """

    of: Literal["clean probability", "loss"]
    samples: Annotated[int, Field(ge=1)]
    estimated_noise_rate: Fraction | None = Field(
        description="The mean of 1 - clean probability; null for the loss."
    )


class Diagnostics(Document):
    """The numbers behind a run's pictures.

    Only finished runs have `reliability`, `classes` and `detection`, and the last two only if the
    truth is known.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    snapshots: Annotated[list[Snapshot], Field(max_length=MAX_SNAPSHOTS)]
    reliability: Reliability | None = None
    classes: Classes | None = None
    label_confusion: LabelConfusion | None = None
    detection: Annotated[list[Detection] | None, Field(max_length=2), LeftOut()] = None

    @model_validator(mode="after")
    def _consistent(self) -> "Diagnostics":
        pairs, classes = self.label_confusion, self.classes
        if pairs is not None:
            known = len(classes.names) if classes is not None else 0
            if any(label >= known for label in (*pairs.true, *pairs.given)):
                raise ValueError("label_confusion names a class that is not among the classes")
        return self
