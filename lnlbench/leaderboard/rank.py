"""The rank: only the mean of the last 10 epochs over seeds decides it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lnlbench.leaderboard.runs import Runs
from lnlbench.results.fingerprint import canonical_json
from lnlbench.results.statistics import Comparison, compare_with_best


@dataclass(frozen=True)
class Placing:
    """A row's place among the rows of its table.

    `rank` is None for a row that is not ranked, `comparison` also for the best row.
    """

    rank: int | None = None
    best: bool = False
    comparison: Comparison | None = None


def in_order(rows: Sequence[Runs]) -> list[Runs]:
    """Highest mean first, then by name, so that ties have one order."""
    return sorted(rows, key=_key)


def placings(rows: Sequence[Runs]) -> list[Placing]:
    """The placing of each of these rows, which must be in order.

    Equal means share a rank. A row without a finished run has no rank, and neither has a row whose
    method gets knowledge that users do not have. The first of all other rows is the best row, with
    which the others are compared.
    """
    ranked = [row for row in rows if row.accuracy is not None and not row.oracle]
    if not ranked:
        return [Placing() for _ in rows]
    best, *others = ranked
    comparisons = [None, *compare_with_best(best.by_seed, [row.by_seed for row in others])]
    means = [_mean(row) for row in ranked]
    places = {
        id(row): Placing(means.index(_mean(row)) + 1, row is best, comparison)
        for row, comparison in zip(ranked, comparisons, strict=True)
    }
    return [places.get(id(row), Placing()) for row in rows]


def _mean(row: Runs) -> float | None:
    # Rounded, because equal scores may differ in the last bit of their means.
    return round(row.accuracy.mean, 12) if row.accuracy else None


def _key(row: Runs) -> tuple[Any, ...]:
    names = (row.track, row.method, row.recipe, canonical_json([row.overrides, row.params]))
    mean = _mean(row)
    return (mean is None, -(mean or 0.0), *names)
