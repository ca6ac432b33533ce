"""The columns of the small tables below a table: facts of a row, its runs, and failed runs."""

from collections.abc import Callable

from lnlbench.leaderboard import text
from lnlbench.leaderboard.columns.column import Column
from lnlbench.leaderboard.columns.rows import (
    ACCURACY,
    BEST,
    DISTRIBUTIONS,
    HARDWARE,
    LAST,
    METHOD,
    NETWORK,
    PRECISION,
    RECIPE,
    TIME,
)
from lnlbench.leaderboard.cost import INFERENCE_PASSES, PROCESSOR, STEPS, TRAINING_PASSES
from lnlbench.leaderboard.row import Row
from lnlbench.results.schema import Result

_SHOWN = 300


def _fact(head: str, cell: Callable[[Row], str]) -> Column[Row]:
    return Column(head, cell, cell)


def _of_run(head: str, cell: Callable[[Result], str]) -> Column[Result]:
    return Column(head, cell, cell)


def _data(row: Row) -> str:
    data = row.first.data
    return f"{data.dataset}; {data.noise}, {text.wrong_labels(data.noise_rate)}"


def _budget(row: Row) -> str:
    steps, training, inference = (
        row.cost(name) for name in (STEPS, TRAINING_PASSES, INFERENCE_PASSES)
    )
    if steps is None:
        return ""
    return (
        f"on average, an epoch has {steps:,.0f} optimizer steps and passes the training set "
        f"{text.number(training, 2)} times with gradients, {text.number(inference, 2)} without"
    )


def _processor_time(row: Row) -> str:
    seconds = row.cost(PROCESSOR)
    return "" if seconds is None else f"{text.duration(seconds)} a run, all threads together"


def _search(row: Row) -> str:
    tuning = row.tuning
    if tuning is None:
        return ""
    ranges = ", ".join(f"{name} {each.low}..{each.high}" for name, each in tuning.search.items())
    seeds = ", ".join(map(str, tuning.seeds))
    found, default = (
        text.MISSING if score is None else f"{score:.4g}"
        for score in (tuning.score, tuning.default_score)
    )
    return (
        f"{text.describe_search(tuning)} ({tuning.pruned} pruned, {tuning.failed} failed) over "
        f"{ranges}; {tuning.objective} on {tuning.validation_samples} held-out samples with noisy "
        f"labels, seeds {seeds}: {found}; the defaults give {default}"
    )


def _outcome(result: Result) -> str:
    return f"{result.status}: {short(result.error)}" if result.error else result.status


def short(value: object) -> str:
    """A value as text of at most a few lines."""
    return text.plain(str(value))[:_SHOWN]


# The page leaves out a fact whose text is empty.
FACTS = (
    _fact("reference", lambda row: row.first.method.reference),
    DISTRIBUTIONS,
    _fact("data", _data),
    NETWORK,
    HARDWARE,
    PRECISION,
    _fact("budget", _budget),
    _fact("processor time", _processor_time),
    _fact("data notes", lambda row: "; ".join(row.first.data.notes)),
    _fact("tuned by", _search),
)
RUNS = (
    _of_run("run", lambda result: f"seed {result.seed}"),
    _of_run("status", _outcome),
    _of_run(ACCURACY.head, lambda result: text.percent(result.scores.test_accuracy_last10)),
    _of_run(LAST.head, lambda result: text.percent(result.scores.test_accuracy_last)),
    _of_run(BEST.head, lambda result: text.parenthesized(result.scores.test_accuracy_best)),
    _of_run(TIME.head, lambda result: text.duration(result.cost.wall_seconds)),
)
FAILURES = (
    _of_run(METHOD.head, lambda result: result.method.name),
    _of_run(RECIPE.head, lambda result: result.method.recipe),
    _of_run("seed", lambda result: str(result.seed)),
    _of_run("status", lambda result: result.status),
    _of_run("error", lambda result: (result.error or "")[:200]),
)
