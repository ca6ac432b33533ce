"""Accuracy against time: where each row lies, and which rows no faster row reaches."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lnlbench.leaderboard import text
from lnlbench.leaderboard.cost import ELAPSED, PROCESSOR, baseline_of, compared_time
from lnlbench.leaderboard.page.chart_labels import Box, Place, label_places
from lnlbench.leaderboard.row import Row

WIDTH, HEIGHT = 640, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 150, 10, 30
_LETTERS = 11  # the height of a label
_APART = math.log10(1.5)


@dataclass(frozen=True)
class Point:
    """A row on the chart. A front point is one that no faster row reaches; `label` names it."""

    x: float
    y: float
    label: str
    words: str
    front: bool


@dataclass(frozen=True)
class Label:
    """The name of a front point, and where it stands."""

    place: Place
    name: str


@dataclass(frozen=True)
class Line:
    """A reference row's accuracy as a line over the whole width, and where its label stands."""

    y: float
    label: str
    label_y: float = 0.0


@dataclass(frozen=True)
class CostChart:
    """Points, labels and lines in pixels, and the ticks of both axes as place and text.

    `time` says which time the chart shows.
    """

    time: str
    points: list[Point]
    labels: list[Label]
    lines: list[Line]
    times: list[tuple[float, str]]
    accuracies: list[tuple[float, str]]


def cost_chart(rows: Sequence[Row]) -> CostChart | None:
    """The chart of a table; None with fewer than three rows of one kind of hardware."""
    baseline = baseline_of(rows)
    compared = compared_time(baseline.hardware) if baseline else ELAPSED
    if baseline is None or not baseline.cost(compared):
        compared = ELAPSED  # which older results have, too
    timed = [row for row in rows if row.accuracy and row.cost(compared)]
    ranked = [row for row in timed if row.rank is not None]
    if len(ranked) < 3 or len({row.hardware for row in timed}) > 1:
        return None
    references = [row for row in timed if row.is_reference]
    shown = [*ranked, *references]
    seconds = {id(row): row.cost(compared) or 1.0 for row in shown}
    heights = [row.accuracy.mean for row in shown if row.accuracy]
    low, high = (math.log10(end(seconds.values())) for end in (min, max))
    low, high = low - 0.05, high + 0.05
    width = (WIDTH - _LEFT - _RIGHT) / (high - low)
    floor, top = min(heights) - 0.005, max(heights) + 0.005

    def x(row: Row) -> float:
        return round(_LEFT + (math.log10(seconds[id(row)]) - low) * width, 1)

    def y(accuracy: float) -> float:
        share = (accuracy - floor) / (top - floor)
        return round(HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM), 1)

    front = _front(ranked, seconds)
    points = [
        Point(x(row), y(row.accuracy.mean), _name(row), _words(row, seconds), id(row) in front)
        for row in ranked
        if row.accuracy
    ]
    lines = [Line(y(row.accuracy.mean), _name(row)) for row in references if row.accuracy]
    return CostChart(
        "processor time" if compared == PROCESSOR else "time",
        points,
        _labels(points),
        _apart(lines),
        [
            (_LEFT + (t - low) / (high - low) * (WIDTH - _LEFT - _RIGHT), s)
            for t, s in _times(low, high)
        ],
        [(y(value), f"{100 * value:.0f}") for value in _accuracies(floor, top)],
    )


def _front(rows: Iterable[Row], seconds: Mapping[int, float]) -> set[int]:
    """The rows that are more accurate than every faster row."""
    best, found = -1.0, set()
    for row in sorted(rows, key=lambda row: (seconds[id(row)], row.name)):
        if row.accuracy and row.accuracy.mean > best:
            best = row.accuracy.mean
            found.add(id(row))
    return found


def _labels(points: Iterable[Point]) -> list[Label]:
    """The labels of the front's points; the most accurate one gets the best place."""
    points = sorted(points, key=lambda point: (point.y, point.label))
    named = [(point.x, point.y, point.label) for point in points if point.front]
    others = [(point.x, point.y) for point in points if not point.front]
    room = Box(_LEFT, 0, WIDTH - _RIGHT, HEIGHT - _BOTTOM)
    places = label_places(named, room, others)
    return [Label(place, name) for place, (_, _, name) in zip(places, named, strict=True)]


def _name(row: Row) -> str:
    return text.plain(row.name_and_recipe)


def _words(row: Row, seconds: Mapping[int, float]) -> str:
    accuracy = row.accuracy.mean if row.accuracy else None
    return f"{_name(row)}: {text.percent(accuracy)} %, {text.duration(seconds[id(row)])}"


def _apart(lines: Iterable[Line]) -> list[Line]:
    """The lines from the top; a label that would lie on another one moves down."""
    kept: list[Line] = []
    for line in sorted(lines, key=lambda line: line.y):
        lowest = kept[-1].label_y + _LETTERS if kept else line.y
        kept.append(Line(line.y, line.label, max(line.y, lowest)))
    return kept


def _times(low: float, high: float) -> list[tuple[float, str]]:
    """Ticks at round times, as the logarithm of seconds and words: at least a factor 1.5 apart."""
    ticks: list[tuple[float, str]] = []
    for word, unit, most in (("s", 1, 60), ("min", 60, 3600), ("h", 3600, 100 * 3600)):
        for count in (1, 2, 5, 10, 20, 50):
            place = math.log10(count * unit)
            apart = not ticks or place - ticks[-1][0] > _APART
            if count * unit < most and low <= place <= high and apart:
                ticks.append((place, f"{count} {word}"))
    return ticks


def _accuracies(low: float, high: float) -> list[float]:
    step = next(s for s in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0) if (high - low) / s <= 6)
    first = math.ceil(low / step)
    return [n * step for n in range(first, math.floor(high / step) + 1)]
