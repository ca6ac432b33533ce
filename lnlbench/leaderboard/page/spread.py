"""Positions of seeds or ranks, mean and interval on a common scale, for the drawing in a cell."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnlbench.leaderboard.across import Standing
from lnlbench.leaderboard.row import Row

_WIDTH = 100
_MARGIN = 0.08


@dataclass(frozen=True)
class Scale:
    """The scale from the lowest value of a table to the highest."""

    low: float
    high: float

    def place(self, value: float) -> float:
        """The position of a value, from 0 to 100; a value off the scale lies at its end."""
        share = (value - self.low) / (self.high - self.low)
        return round(_WIDTH * min(1.0, max(0.0, share)), 1)


@dataclass(frozen=True)
class Spread:
    """A row on the scale; the interval is None for a single seed."""

    seeds: list[float]
    mean: float
    interval: tuple[float, float] | None


def ranks_drawn(standing: Standing, methods: int, critical_difference: float) -> Spread:
    """A method's ranks on the scale from 1 to the number of methods, and their average.

    The interval extends half a critical difference to both sides: two methods differ if their
    intervals do not overlap.
    """
    scale, half = Scale(1.0, float(methods)), critical_difference / 2
    interval = (scale.place(standing.average - half), scale.place(standing.average + half))
    return Spread([scale.place(r) for r in standing.ranks], scale.place(standing.average), interval)


def scale_of(rows: Iterable[Row]) -> Scale | None:
    """The scale that holds every seed of these rows; None if the rows have no finished run."""
    values = [value for row in rows for value in row.by_seed.values()]
    if not values:
        return None
    low, high = min(values), max(values)
    margin = (high - low) * _MARGIN or 0.005
    return Scale(max(0.0, low - margin), min(1.0, high + margin))


def spread_of(row: Row, scale: Scale | None) -> Spread | None:
    """A row's drawing; None when it has no finished run."""
    accuracy = row.accuracy
    if accuracy is None or scale is None:
        return None
    interval = None
    if accuracy.low is not None and accuracy.high is not None:
        interval = (scale.place(accuracy.low), scale.place(accuracy.high))
    seeds = sorted(scale.place(value) for value in row.by_seed.values())
    return Spread(seeds, scale.place(accuracy.mean), interval)
