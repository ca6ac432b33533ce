"""The columns of the HTML tables: heading, cell text, what it is sorted by, and when it shows."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from lnlbench.leaderboard import text
from lnlbench.leaderboard.row import Row


@dataclass(frozen=True)
class Column:
    """A column; `value` is None for a text column, which is sorted by its cells.

    `shown` is "always", "wide" (not on a phone) or "all" (only when all columns are asked for).
    """

    name: str
    cell: Callable[[Row], str]
    value: Callable[[Row], float | None] | None = None
    shown: str = "all"
    explanation: str = ""


def _score(
    name: str,
    score: str,
    cell: Callable[[float | None], str] = text.percent,
    shown: str = "all",
    explanation: str = "",
) -> Column:
    return Column(
        name, lambda row: cell(row.scores[score]), lambda row: row.scores[score], shown, explanation
    )


_RANK = Column(
    "rank",
    lambda row: text.MISSING if row.rank is None else str(row.rank),
    lambda row: row.rank,
    "always",
)
METHOD = Column("method", text.name, None, "always")
RANKED = Column(
    "last 10",
    text.accuracy,
    lambda row: row.accuracy.mean if row.accuracy else None,
    "always",
    "Mean test accuracy of the last 10 epochs, in percent, mean ± standard deviation over seeds. "
    "This alone decides the rank.",
)
# Drawn, not written: the template knows it by its name.
SPREAD = Column("spread", text.interval, None, "wide", "Each seed, the mean, and its 95 % interval")

_SEEDS = Column("seeds", text.seeds, lambda row: len(row.by_seed), "wide")
_NOTE = Column("note", lambda row: row.note, None, "always")
_TIME = Column(
    "time", lambda row: text.duration(row.wall_seconds), lambda row: row.wall_seconds, "wide"
)
_REST = (
    Column("recipe", lambda row: row.recipe),
    Column("network", lambda row: row.network),
    Column("networks", lambda row: str(row.networks), lambda row: row.networks),
    Column("oracle", lambda row: ", ".join(row.oracle)),
    Column("runs", lambda row: row.status),
    _score("label precision", "label_precision"),
    _score("label recall", "label_recall"),
    _score("label F1", "label_f1"),
    _score("AUROC", "clean_auroc", text.number),
    _score(
        "memorization",
        "memorization",
        explanation="Accuracy on wrong training labels, in percent: lower is better",
    ),
    _score("ECE", "ece", text.number, explanation="Expected calibration error"),
    _score("NLL", "nll", text.number, explanation="Negative log-likelihood, in nats"),
    Column(
        "× CE",
        lambda row: text.number(row.times_ce, 2),
        lambda row: row.times_ce,
        explanation="Time as a multiple of plain cross-entropy's on the same hardware",
    ),
    Column(
        "peak memory",
        lambda row: text.memory(row.peak_memory_bytes),
        lambda row: row.peak_memory_bytes,
    ),
    Column("hardware", lambda row: "; ".join(row.hardware)),
    Column("from", lambda row: "; ".join(row.distributions)),
)
_LAST = _score("last", "test_accuracy_last", shown="wide", explanation="After the last epoch")

TRACK_COLUMNS = (
    _RANK,
    METHOD,
    _SEEDS,
    RANKED,
    SPREAD,
    _NOTE,
    _LAST,
    Column(
        "best",
        lambda row: f"({text.percent(row.scores['test_accuracy_best'])})",
        lambda row: row.scores["test_accuracy_best"],
        "wide",
        "Of the best test epoch: chosen on the test set, so it ranks nothing",
    ),
    _TIME,
    Column("95 % interval", text.interval),
    Column(
        "p vs best",
        text.p_value,
        lambda row: row.comparison.p_value if row.comparison else None,
        explanation="Paired t-test against the best row, Holm-corrected",
    ),
    _score(
        "selected",
        "test_accuracy_selected",
        explanation="Of the epoch chosen on a noisy validation split",
    ),
    _score(
        "single network",
        "test_accuracy_last10_single",
        explanation="Last-10 mean of the first network alone",
    ),
    *_REST,
)
OFF_TRACK_COLUMNS = (
    Column("track", lambda row: row.track, None, "always"),
    METHOD,
    Column(
        "overrides",
        lambda row: json.dumps(row.overrides, sort_keys=True, ensure_ascii=False),
        None,
        "wide",
    ),
    _SEEDS,
    RANKED,
    _NOTE,
    _LAST,
    _TIME,
    *_REST,
)
# What only several seeds, or other rows, give a meaning to.
_OF_A_TABLE = ("rank", "seeds", "spread", "note", "95 % interval", "p vs best", "runs", "× CE")
REPORT_COLUMNS = tuple(column for column in TRACK_COLUMNS if column.name not in _OF_A_TABLE)
