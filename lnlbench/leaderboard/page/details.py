"""The details that open below a row of the HTML page: facts, runs and curves, as small JSON."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from math import fsum
from pathlib import Path
from typing import Any

from lnlbench.leaderboard import text
from lnlbench.leaderboard.columns.details import FACTS, RUNS, short
from lnlbench.leaderboard.columns.published import cited_figures
from lnlbench.leaderboard.page.charts import charts_of
from lnlbench.leaderboard.repeat import commands
from lnlbench.leaderboard.row import Row
from lnlbench.results.published import Published
from lnlbench.results.published_names import stands_for
from lnlbench.results.schema import Result
from lnlbench.results.store import ResultStore

Curve = list[float | None]

# About how many characters all curves of a page may take, and how many a number takes.
_CURVE_BYTES = 4_000_000
_NUMBER_BYTES = 7


@dataclass(frozen=True)
class Detail:
    """How closely the page draws curves: at most so many points, each seed or only the mean."""

    points: int
    each_seed: bool

    def describe(self) -> str:
        """What a reader should know about it; empty if the curves are complete."""
        if self.each_seed and self.points >= _LEVELS[0].points:
            return ""
        lines = "each seed" if self.each_seed else "the mean over seeds"
        return (
            f"There are many results, so curves show {lines} at no more than {self.points} epochs; "
            "the result files hold the rest."
        )


_LEVELS = (Detail(200, True), Detail(60, True), Detail(60, False), Detail(20, False))


def detail_for(rows: Sequence[Row]) -> Detail:
    """The closest detail at which the curves of these rows keep the page small enough."""
    for level in _LEVELS:
        if sum(_numbers(row, level) for row in rows) * _NUMBER_BYTES <= _CURVE_BYTES:
            return level
    return _LEVELS[-1]


def _numbers(row: Row, level: Detail) -> int:
    names = {name for run in row.finished for name in run.curves}
    lines = len(names) * (len(row.finished) if level.each_seed else 1)
    return lines * min(level.points, _num_epochs(row.finished))


def headings(rows: Iterable[Row]) -> dict[str, Any]:
    """What the details of these rows share: their `charts`, and the headings of their `runs`."""
    curves = {name for row in rows for run in row.finished for name in run.curves}
    charts = [asdict(chart) for chart in charts_of(curves)]
    return {"charts": charts, "runs": [column.head for column in RUNS]}


def row_details(row: Row, published: Published | None, detail: Detail) -> dict[str, Any]:
    """A row's details: `facts`, `params`, `runs`, `events`, `published`, `epochs` and `curves`.

    `epochs` are counted from 1; a curve is a list with one list per seed (or one mean), its
    numbers rounded to 4 digits, null where nothing was measured.
    """
    every = (*row.finished, *row.unfinished)
    epochs = _thinned(_num_epochs(row.finished), detail.points)
    return {
        "title": text.plain(f"{row.name}, recipe {row.recipe}"),
        "facts": _facts(row),
        "params": [[name, short(value)] for name, value in sorted(row.params.items())],
        "command": "\n".join(commands(row)),
        "runs": [_run(result) for result in every],
        "seeds": [result.seed for result in row.finished] if detail.each_seed else [],
        "events": _events(every),
        "published": _published(row, published),
        "epochs": [epoch + 1 for epoch in epochs],
        "curves": {
            name: _curves([run.curves.get(name) for run in row.finished], epochs, detail)
            for name in sorted({name for run in row.finished for name in run.curves})
        },
    }


def _facts(row: Row) -> list[list[str]]:
    facts = [(column.head.capitalize(), text.plain(column.cell(row))) for column in FACTS]
    return [[name, value] for name, value in facts if value]


def _run(result: Result) -> dict[str, Any]:
    return {
        "file": ResultStore(Path()).path_for(result).as_posix(),
        "cells": [column.cell(result) for column in RUNS],
    }


def _events(results: Iterable[Result]) -> list[list[str | int]]:
    counts = Counter(text.plain(event.event) for run in results for event in run.events)
    return [[event, counts[event]] for event in sorted(counts)]


def _published(row: Row, published: Published | None) -> list[dict[str, str]]:
    return [
        {
            "accuracy": cited.accuracy,
            "rule": cited.figure.rule,
            "network": cited.figure.backbone,
            "citation": cited.source.citation,
            "url": cited.source.url,
        }
        for cited in (cited_figures(published) if published else [])
        if stands_for(cited.figure.method, row.method, row.params)
    ]


def _num_epochs(results: Sequence[Result]) -> int:
    return max((len(values) for run in results for values in run.curves.values()), default=0)


def _thinned(length: int, points: int) -> list[int]:
    """Evenly spaced indices, including the first and the last."""
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
