"""The charts of the page: which learning curves each one shows, and under which names."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from lnlbench.results.scores import SCORES, Score, Section


@dataclass(frozen=True)
class Chart:
    """Curves by name, with their labels; `share` says that the page shows values in percent."""

    title: str
    curves: Mapping[str, str]
    share: bool = False


def _scores(section: Section) -> list[Score]:
    return [score for score in SCORES if score.shown.section is section]


def _curves(section: Section) -> dict[str, str]:
    return {score.name: score.shown.title for score in _scores(section)}


# Each calibration score has its own unit, and so its own chart. The page also gives a chart to a
# curve that is missing here.
CHARTS = (
    Chart(
        "Test accuracy",
        {
            "test_accuracy": "test",
            "test_accuracy_single": "first network alone",
            "validation_accuracy": "noisy validation split",
        },
        share=True,
    ),
    Chart(
        "Memorization: accuracy on the training set",
        {
            "train_accuracy_clean": "against the true labels",
            "train_accuracy_noisy": "against the given labels",
            **_curves(Section.MEMORIZATION),
        },
        share=True,
    ),
    Chart(
        "Label selection",
        {**_curves(Section.SELECTION), "labeled_share": "share selected"},
        share=True,
    ),
    *(
        Chart(f"{score.shown.title}: {score.meaning.rstrip('.')}", {score.name: score.shown.title})
        for score in _scores(Section.CALIBRATION)
    ),
    Chart("Training loss", {"loss": "loss"}),
)


def charts_of(names: Collection[str]) -> list[Chart]:
    """The charts that have at least one of these curves, with only these curves."""
    charts = [
        replace(chart, curves={name: chart.curves[name] for name in chart.curves if name in names})
        for chart in CHARTS
    ]
    return [chart for chart in charts if chart.curves]
