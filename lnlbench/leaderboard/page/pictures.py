"""The diagnostics of a row's median seed as the page draws them, limited in size."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lnlbench.leaderboard import text
from lnlbench.leaderboard.row import Row
from lnlbench.results.diagnostics import Classes, Diagnostics, Histogram
from lnlbench.results.fingerprint import canonical_json
from lnlbench.results.schema import Result
from lnlbench.results.scores import RANKED_SCORE

# About how many characters all pictures of a page may take: a count takes about 4, a share 7.
_PICTURE_BYTES = 1_000_000
_COUNT_BYTES = 4
_SHARE_BYTES = 7
_SNAPSHOTS = (12, 4, 1, 0)
_MATRIX_CLASSES = 20
_PAIRS = 20


class ClassTables:
    """Names, sizes and noise of classes, once on a page, because all rows of a track share them."""

    def __init__(self) -> None:
        self.tables: list[dict[str, Any]] = []
        self._places: dict[str, int] = {}

    def place(self, classes: Classes) -> int:
        """The index of the table of these classes."""
        table = classes.model_dump(exclude={"test_accuracy"})
        key = canonical_json(table)
        if key not in self._places:
            self._places[key] = len(self.tables)
            self.tables.append(table | {"names": [text.plain(name) for name in classes.names]})
        return self._places[key]


@dataclass(frozen=True)
class WrongLabels:
    """Which classes are labeled as which: a matrix of few classes, or the most frequent pairs.

    A cell of the matrix, true class by given label, is a count and its level of shading, 0 to 5.
    """

    names: list[str]
    matrix: list[list[tuple[int, int]]]
    pairs: list[tuple[str, str, int]]


def median_run(row: Row) -> Result | None:
    """The run in the middle of those with diagnostics, by the ranked score; the lower of two."""
    runs = [run for run in row.finished if run.diagnostics is not None]
    runs.sort(key=lambda run: (getattr(run.scores, RANKED_SCORE), run.seed))
    return runs[(len(runs) - 1) // 2] if runs else None


def snapshots_for(rows: Sequence[Row]) -> int:
    """How many snapshots each row may have so that the page stays small."""
    shown = [run.diagnostics for run in map(median_run, rows) if run and run.diagnostics]
    for count in _SNAPSHOTS:
        if sum(_bytes(diagnostics, count) for diagnostics in shown) <= _PICTURE_BYTES:
            return count
    return _SNAPSHOTS[-1]


def _bytes(diagnostics: Diagnostics, snapshots: int) -> int:
    bins = [
        sum(len(counts) for each in snapshot.histograms for counts in each.counts.values())
        for snapshot in diagnostics.snapshots
    ]
    classes = len(diagnostics.classes.names) if diagnostics.classes else 0
    return sum(sorted(bins)[-snapshots:] if snapshots else []) * _COUNT_BYTES + (
        classes * _SHARE_BYTES
    )


def row_pictures(row: Row, tables: ClassTables, snapshots: int) -> dict[str, Any] | None:
    """`seed`, `snapshots` (epochs from 1), `reliability` and `classes` of the median run."""
    run = median_run(row)
    if run is None or run.diagnostics is None:
        return None
    diagnostics = run.diagnostics
    classes = diagnostics.classes
    return {
        "seed": run.seed,
        "snapshots": [
            {"epoch": shot.epoch + 1, "histograms": [_histogram(each) for each in shot.histograms]}
            for shot in _spread(diagnostics.snapshots, snapshots)
        ],
        "reliability": diagnostics.reliability and diagnostics.reliability.model_dump(),
        "classes": classes
        and {"table": tables.place(classes), "test_accuracy": classes.test_accuracy},
    }


def _histogram(histogram: Histogram) -> dict[str, Any]:
    return histogram.model_dump(exclude_none=True) | {"of": text.plain(histogram.of)}


def _spread(snapshots: Sequence[Any], count: int) -> list[Any]:
    """At most `count` of the items, evenly spaced, including the last."""
    last = len(snapshots) - 1
    if last < count:
        return list(snapshots)
    return [snapshots[last - i * last // max(1, count - 1)] for i in reversed(range(count))]


def wrong_labels(results: Iterable[Result]) -> WrongLabels | None:
    """The record of the labels that all these results share, from any result that has one."""
    recorded = [r for r in results if r.diagnostics is not None and r.diagnostics.label_confusion]
    if not recorded:
        return None
    diagnostics = min(recorded, key=lambda result: result.fingerprint).diagnostics
    assert diagnostics is not None
    classes, confusion = diagnostics.classes, diagnostics.label_confusion
    assert classes is not None
    assert confusion is not None
    names = [text.plain(name) for name in classes.names]
    counted = list(zip(confusion.true, confusion.given, confusion.count, strict=True))
    if len(names) <= _MATRIX_CLASSES:
        return WrongLabels(names, _matrix(classes.given, counted), [])
    counted.sort(key=lambda pair: (-pair[2], pair))
    return WrongLabels(names, [], [(names[t], names[g], n) for t, g, n in counted[:_PAIRS]])


def _matrix(
    given: Sequence[int], pairs: Sequence[tuple[int, int, int]]
) -> list[list[tuple[int, int]]]:
    counts = [[0] * len(given) for _ in given]
    for true, label, count in pairs:
        counts[true][label] = count
    for label, total in enumerate(given):
        # All other samples with that label belong to the class.
        counts[label][label] = max(0, total - sum(row[label] for row in counts))
    highest = max((count for *_, count in pairs), default=1) or 1
    return [[(count, min(5, -(-5 * count // highest))) for count in row] for row in counts]
