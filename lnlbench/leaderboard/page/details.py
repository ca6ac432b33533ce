"""What opens below a row of the HTML page: facts, runs and curves, as JSON that stays small."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import fsum
from pathlib import Path
from typing import Any

from lnlbench.leaderboard import text
from lnlbench.leaderboard.facts import command
from lnlbench.leaderboard.row import RANKED_SCORE, Row
from lnlbench.results.published import Published
from lnlbench.results.schema import Result
from lnlbench.results.store import ResultStore
from lnlbench.results.tuning import Tuning

Curve = list[float | None]

# What all curves of a page may take, roughly: a number is about 7 characters.
_CURVE_BYTES = 4_000_000
_NUMBER_BYTES = 7


@dataclass(frozen=True)
class Detail:
    """How closely curves are drawn: at most so many points, each seed or only the mean of all."""

    points: int
    each_seed: bool

    def describe(self) -> str:
        """What a reader should know of it; empty when nothing is left out."""
        if self.each_seed and self.points >= _LEVELS[0].points:
            return ""
        lines = "each seed" if self.each_seed else "the mean over seeds"
        return (
            f"There are many results, so curves show {lines} at no more than {self.points} epochs; "
            "the result files hold the rest."
        )


_LEVELS = (Detail(200, True), Detail(60, True), Detail(60, False), Detail(20, False))


def detail_for(rows: Sequence[Row]) -> Detail:
    """The closest detail with which the curves of these rows do not make the page too large."""
    for level in _LEVELS:
        if sum(_numbers(row, level) for row in rows) * _NUMBER_BYTES <= _CURVE_BYTES:
            return level
    return _LEVELS[-1]


def _numbers(row: Row, level: Detail) -> int:
    names = {name for run in row.finished for name in run.curves}
    lines = len(names) * (len(row.finished) if level.each_seed else 1)
    return lines * min(level.points, _num_epochs(row.finished))


def row_details(row: Row, published: Published | None, detail: Detail) -> dict[str, Any]:
    """A row's details: `facts`, `params`, `runs`, `events`, `published`, `epochs` and `curves`.

    `epochs` are counted from 1; a curve is a list with one list per seed (or one mean), its
    numbers rounded to 4 digits, null where nothing was measured.
    """
    every = (*row.finished, *row.unfinished)
    epochs = _thinned(_num_epochs(row.finished), detail.points)
    return {
        "title": text.plain(f"{text.name(row)}, recipe {row.recipe}"),
        "facts": _facts(row, every[0]),
        "params": [[name, _short(value)] for name, value in sorted(row.params.items())],
        "command": command(row),
        "runs": [_run(result) for result in every],
        "seeds": [result.seed for result in row.finished] if detail.each_seed else [],
        "events": _events(every),
        "published": _published(row.method, published),
        "epochs": [epoch + 1 for epoch in epochs],
        "curves": {
            name: _curves([run.curves.get(name) for run in row.finished], epochs, detail)
            for name in sorted({name for run in row.finished for name in run.curves})
        },
    }


def _facts(row: Row, result: Result) -> list[list[str]]:
    noise = f"{result.data.noise}, {text.percent(result.data.noise_rate)} % of the labels wrong"
    facts = {
        "Reference": result.method.reference,
        "From": "; ".join(row.distributions),
        "Data": f"{result.data.dataset}; {noise}",
        "Network": row.network,
        "Hardware": "; ".join(row.hardware) or "not stated",
        "Precision": "; ".join(row.precision) or "not stated",
        "Data notes": "; ".join(result.data.notes),
        "Tuned by": _search(row.tuning),
    }
    return [[name, text.plain(value)] for name, value in facts.items() if value]


def _search(tuning: Tuning | None) -> str:
    if tuning is None:
        return ""
    ranges = ", ".join(f"{name} {each.low}..{each.high}" for name, each in tuning.search.items())
    seeds = ", ".join(map(str, tuning.seeds))
    return (
        f"{text.describe_search(tuning)} ({tuning.pruned} pruned, {tuning.failed} failed) over "
        f"{ranges}; {tuning.objective} on {tuning.validation_samples} held-out samples with noisy "
        f"labels, seeds {seeds}: {_score(tuning.score)}, {_score(tuning.default_score)} at the "
        "defaults"
    )


def _score(value: float | None) -> str:
    return text.MISSING if value is None else f"{value:.4g}"


def _run(result: Result) -> dict[str, Any]:
    scores = result.scores
    return {
        "seed": result.seed,
        "status": result.status,
        "file": ResultStore(Path()).path_for(result).as_posix(),
        "last10": text.percent(getattr(scores, RANKED_SCORE)),
        "last": text.percent(scores.test_accuracy_last),
        "best": text.percent(scores.test_accuracy_best),
        "time": text.duration(result.cost.wall_seconds),
        "error": _short(result.error or ""),
    }


def _events(results: Iterable[Result]) -> list[list[str | int]]:
    counts = Counter(text.plain(event.event) for run in results for event in run.events)
    return [[event, counts[event]] for event in sorted(counts)]


def _published(method: str, published: Published | None) -> list[dict[str, str]]:
    if published is None:
        return []
    return [
        {
            "accuracy": text.published_accuracy(figure),
            "rule": figure.rule,
            "network": figure.backbone,
            "citation": published.sources[figure.source].citation,
            "url": published.sources[figure.source].url,
        }
        for figure in published.figures
        if figure.method == method
    ]


def _short(value: Any) -> str:
    return text.plain(str(value))[:300]


def _num_epochs(results: Sequence[Result]) -> int:
    return max((len(values) for run in results for values in run.curves.values()), default=0)


def _thinned(length: int, points: int) -> list[int]:
    """Evenly spaced indices, first and last among them."""
    if length <= points:
        return list(range(length))
    return [i * (length - 1) // (points - 1) for i in range(points)]


def _curves(curves: Sequence[Curve | None], epochs: list[int], detail: Detail) -> list[Curve]:
    picked = [_picked(curve, epochs) for curve in curves]
    if not detail.each_seed:
        picked = [[_mean(values) for values in zip(*picked, strict=True)]]
    return [[None if v is None else float(f"{v:.4g}") for v in curve] for curve in picked]


def _picked(curve: Curve | None, epochs: list[int]) -> Curve:
    length = len(curve or ())
    return [curve[epoch] if curve and epoch < length else None for epoch in epochs]


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fsum(known) / len(known) if known else None
