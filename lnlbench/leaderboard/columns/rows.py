"""The columns of tables of rows; `layouts` says which of them each table has."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Literal

from lnlbench.leaderboard import text
from lnlbench.leaderboard.columns.column import Column, Value
from lnlbench.leaderboard.cost import INFERENCE_PASSES, PROCESSOR, STEPS, TRAINING_PASSES
from lnlbench.leaderboard.row import Row
from lnlbench.leaderboard.runs import NOT_STATED
from lnlbench.results.fingerprint import canonical_json
from lnlbench.results.scores import RANKED_SCORE, SCORES, Score, Section

FORMATS: dict[str, Callable[[float | None], str]] = {
    "percent": text.percent,
    "number": text.number,
}


def _words(
    head: str,
    cell: Callable[[Row], str],
    key: str = "",
    value: Callable[[Row], Value] | None = None,
    shown: Literal["always", "wide", "all"] = "all",
) -> Column[Row]:
    return Column(head, cell, value or cell, key, shown=shown)


def _score(score: Score) -> Column[Row]:
    shown = score.shown
    write = FORMATS[shown.format]
    better = ": lower is better" if shown.better == "lower" else ""
    return Column(
        shown.title,
        lambda row: write(row.scores[score.name]),
        lambda row: row.scores[score.name],
        score.name,
        numeric=True,
        explanation=score.meaning.rstrip(".") + better,
        lowest_first=shown.better == "lower",
        optional=not shown.required,
    )


def _for_programs(key: str, value: Callable[[Row], Value]) -> Column[Row]:
    return Column(key, lambda row: str(value(row)), value, key)


def _times_ce(what: str, key: str, explanation: str) -> Column[Row]:
    return Column(
        f"{what} × CE",
        lambda row: text.number(getattr(row, key), 2),
        lambda row: getattr(row, key),
        key,
        numeric=True,
        explanation=f"{explanation}, divided by the same number for plain cross-entropy",
        optional=True,
    )


def _interval(row: Row) -> str:
    accuracy = row.accuracy
    if accuracy is None or accuracy.low is None:
        return text.MISSING
    return f"{text.percent(accuracy.low)} to {text.percent(accuracy.high)}"


def _gain(row: Row) -> str:
    gain = row.gain
    if gain is None:
        return text.MISSING
    half = "" if gain.low is None else f" ± {100 * (gain.mean - gain.low):.2f}"
    return f"{100 * gain.mean:+.2f}{half}"


def _overrides(row: Row) -> str:
    return json.dumps(row.overrides, sort_keys=True, ensure_ascii=False)


def _note_and_runs(row: Row) -> str:
    return "; ".join(filter(None, (row.note, row.status if row.unfinished else "")))


_SCORES = {score.name: _score(score) for score in SCORES}

RANK = Column[Row](
    "rank",
    lambda row: text.MISSING if row.rank is None else str(row.rank),
    lambda row: row.rank,
    "rank",
    numeric=True,
    shown="always",
    lowest_first=True,
)
TRACK = _words("track", lambda row: row.track, "track", shown="always")
OVERRIDES = _words(
    "overrides",
    _overrides,
    "overrides",
    lambda row: None if row.overrides is None else canonical_json(row.overrides),
    shown="wide",
)
METHOD = _words("method", lambda row: row.name, "method", lambda row: row.method, shown="always")
METHOD_AND_RECIPE = replace(METHOD, cell=lambda row: row.name_and_recipe)
RECIPE = _words("recipe", lambda row: row.recipe, "recipe")
PARAMS = _for_programs("params", lambda row: canonical_json(row.params))
SEEDS = Column[Row](
    "seeds",
    lambda row: text.seeds(sorted(row.by_seed)),
    lambda row: len(row.by_seed),
    "n",
    numeric=True,
    shown="wide",
)
SEED_NUMBERS = _for_programs("seeds", lambda row: " ".join(map(str, sorted(row.by_seed))))
ACCURACY = Column[Row](
    _SCORES[RANKED_SCORE].head,
    lambda row: text.spread(row.accuracy.mean, row.accuracy.std) if row.accuracy else text.MISSING,
    lambda row: row.accuracy.mean if row.accuracy else None,
    RANKED_SCORE,
    numeric=True,
    shown="always",
    explanation="Mean test accuracy of the last 10 epochs, in percent, mean ± standard deviation "
    "over seeds.",
)
RANKED = replace(
    ACCURACY,
    long=f"{ACCURACY.head} (ranked)",
    explanation=f"{ACCURACY.explanation} Only this score decides the rank.",
)
DEVIATION = _for_programs(
    f"{RANKED_SCORE}_std", lambda row: row.accuracy.std if row.accuracy else None
)
LOW = _for_programs(f"{RANKED_SCORE}_low", lambda row: row.accuracy.low if row.accuracy else None)
HIGH = _for_programs(
    f"{RANKED_SCORE}_high", lambda row: row.accuracy.high if row.accuracy else None
)
INTERVAL = _words("95 % interval", _interval)
# The page shows a drawing instead of the text.
SPREAD = replace(
    _words("spread", _interval, shown="wide"),
    explanation="Each seed, the mean, and its 95 % interval",
)
GAIN = Column[Row](
    "− ce",
    _gain,
    lambda row: row.gain.mean if row.gain else None,
    "gain_over_ce",
    numeric=True,
    explanation="Points above plain cross-entropy: paired over common seeds, with 95 % interval",
    shown="wide",
    optional=True,
)
P_VALUE = Column[Row](
    "p vs best",
    lambda row: text.p_value(row.comparison.p_value if row.comparison else None),
    lambda row: row.comparison.p_value if row.comparison else None,
    "p_value_vs_best",
    numeric=True,
    explanation="Paired t-test against the best row, Holm-corrected",
    lowest_first=True,
)
NOTE = _words("note", lambda row: row.note, "note", shown="always")
NOTE_AND_RUNS = replace(NOTE, cell=_note_and_runs)
LAST = replace(_SCORES["test_accuracy_last"], shown="wide")
AUROC = _SCORES["clean_auroc"]
BEST = replace(
    _SCORES["test_accuracy_best"],
    cell=lambda row: text.parenthesized(row.scores["test_accuracy_best"]),
    long="best (test-selected, not ranked)",
    shown="wide",
)
# A terminal has little room: grey replaces the parentheses, and a count replaces the seeds.
BEST_IN_GREY = replace(_SCORES["test_accuracy_best"], muted=True)
SEED_COUNT = replace(SEEDS, cell=lambda row: str(len(row.by_seed)))
NETWORK = _words("network", lambda row: row.network)
NETWORKS = Column[Row](
    "networks", lambda row: str(row.networks), lambda row: row.networks, "networks", numeric=True
)
ORACLE = _words("oracle", lambda row: ", ".join(row.oracle), "oracle")
RUNS = _words("runs", lambda row: row.status, "status")
TIME = Column[Row](
    "time",
    lambda row: text.duration(row.wall_seconds),
    lambda row: row.wall_seconds,
    "wall_seconds",
    numeric=True,
    shown="wide",
)
TIMES_CE = Column[Row](
    "× CE",
    lambda row: text.number(row.times_ce, 2),
    lambda row: row.times_ce,
    "times_ce",
    numeric=True,
    explanation="Time divided by the time of plain cross-entropy on the same hardware. On a CPU it "
    "is processor time, which older results lack; elsewhere it is elapsed time",
)
STEPS_CE = _times_ce("steps", "steps_times_ce", "Optimizer steps in an epoch")
PASSES_CE = _times_ce(
    "passes", "passes_times_ce", "Samples that pass through networks with gradients in an epoch"
)
PROCESSOR_TIME, *BUDGET = (
    replace(_for_programs(name, partial(Row.cost, name=name)), optional=True)
    for name in (PROCESSOR, STEPS, TRAINING_PASSES, INFERENCE_PASSES)
)
MEMORY = Column[Row](
    "peak memory",
    lambda row: text.memory(row.peak_memory_bytes),
    lambda row: row.peak_memory_bytes,
    "peak_memory_bytes",
    numeric=True,
)
HARDWARE = _words(
    "hardware",
    lambda row: "; ".join(row.hardware) or NOT_STATED,
    "hardware",
    lambda row: "; ".join(row.hardware),
)
PRECISION = _words(
    "precision",
    lambda row: "; ".join(row.precision) or NOT_STATED,
    "precision",
    lambda row: "; ".join(row.precision),
)
DISTRIBUTIONS = _words("package", lambda row: "; ".join(row.distributions), "distribution")
TRIALS = _for_programs("tuning_trials", lambda row: row.tuning.trials if row.tuning else None)
SEARCH_SECONDS = _for_programs(
    "tuning_seconds", lambda row: row.tuning.wall_seconds if row.tuning else None
)


def scores_of(*sections: Section) -> tuple[Column[Row], ...]:
    """The columns of all scores in these sections except the ranked one, in the list's order."""
    special = {LAST.key: LAST, BEST.key: BEST}
    return tuple(
        special.get(score.name, _SCORES[score.name])
        for score in SCORES
        if score.shown.section in sections and score.name != RANKED_SCORE
    )
