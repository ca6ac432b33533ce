"""A track's table: rows ranked by the mean of the last 10 epochs, and compared with the best."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lnlbench.leaderboard.cost import BASELINE
from lnlbench.leaderboard.row import Row, build_rows
from lnlbench.results.published import Published, published_figures
from lnlbench.results.schema import Data, Result
from lnlbench.results.statistics import compare_with_best


@dataclass(frozen=True)
class Table:
    """A track with its rows in order, ranked ones and others, and what papers say of its data."""

    track: str
    protocol: dict[str, Any]
    data: Data
    rows: tuple[Row, ...]
    published: Published


def build_tables(results: Iterable[Result]) -> list[Table]:
    """One table per track that has on-track results, by name."""
    by_track: dict[str, list[Result]] = {}
    for result in results:
        if result.off_track is None:
            by_track.setdefault(result.track, []).append(result)
    return [_build_table(track, by_track[track]) for track in sorted(by_track)]


def off_track_rows(results: Iterable[Result]) -> list[Row]:
    """The rows of results that override their track: by track and name, without ranks."""
    rows = build_rows(result for result in results if result.off_track is not None)
    return sorted(rows, key=lambda row: (row.track, row.method, row.recipe))


def _build_table(track: str, results: list[Result]) -> Table:
    rows = build_rows(results)
    _compare(_rank(rows))
    _relate_to_baseline(rows)
    # Results of one track agree on these (consistency.py), so any of them will do.
    first = min(results, key=lambda result: result.fingerprint)
    data = first.data
    return Table(
        track, first.protocol, data, tuple(rows), published_figures(data.dataset, data.noise)
    )


def _rank(rows: list[Row]) -> list[Row]:
    """Number the rows that can be ranked; equal means share a rank."""
    ranked = []
    previous, rank = None, 0
    for row in rows:
        if row.accuracy is None or row.oracle:
            continue
        ranked.append(row)
        mean = round(row.accuracy.mean, 12)
        if mean != previous:
            previous, rank = mean, len(ranked)
        row.rank = rank
    return ranked


def _compare(ranked: list[Row]) -> None:
    if not ranked:
        return
    best, *others = ranked
    best.best = True
    comparisons = compare_with_best(best.by_seed, [row.by_seed for row in others])
    for row, comparison in zip(others, comparisons, strict=True):
        row.comparison = comparison


def _relate_to_baseline(rows: list[Row]) -> None:
    baselines = [r for r in rows if (r.method, r.recipe) == (BASELINE, "matched")]
    if not baselines or not baselines[0].wall_seconds:
        return
    baseline = baselines[0]
    assert baseline.wall_seconds is not None
    for row in rows:
        # Times on other hardware say nothing about the method.
        if row.wall_seconds is not None and row.hardware == baseline.hardware:
            row.times_ce = row.wall_seconds / baseline.wall_seconds
