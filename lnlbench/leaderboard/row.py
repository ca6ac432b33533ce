"""One row of a table: a method with one recipe and one set of parameters, over its seeds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from math import fsum
from typing import Any

from lnlbench.leaderboard.text import describe_search
from lnlbench.results.fingerprint import canonical_json
from lnlbench.results.schema import Result
from lnlbench.results.statistics import Comparison, Summary, summarize
from lnlbench.results.tuning import Tuning

RANKED_SCORE = "test_accuracy_last10"
SCORES = (
    "test_accuracy_last",
    "test_accuracy_selected",
    "test_accuracy_best",
    "test_accuracy_last10_single",
    "label_precision",
    "label_recall",
    "label_f1",
    "clean_auroc",
    "memorization",
    "ece",
    "nll",
)


@dataclass
class Row:
    """What a table says of one method; accuracies as fractions, None where not defined.

    `by_seed` holds the ranked score of each finished run; `finished` those runs in order of seed,
    `unfinished` all others.
    `rank`, `comparison`, `best` and `times_ce` depend on the other rows.
    """

    track: str
    overrides: dict[str, Any] | None
    method: str
    recipe: str
    params: dict[str, Any]
    distributions: tuple[str, ...]
    networks: int
    oracle: tuple[str, ...]
    by_seed: dict[int, float]
    accuracy: Summary | None
    scores: dict[str, float | None]
    wall_seconds: float | None
    peak_memory_bytes: float | None
    hardware: tuple[str, ...]
    precision: tuple[str, ...]
    network: str
    finished: tuple[Result, ...]
    unfinished: tuple[Result, ...]
    tuning: Tuning | None = None
    rank: int | None = None
    best: bool = False
    comparison: Comparison | None = None
    times_ce: float | None = None
    distinct_params: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """How many runs ended how, such as "2 done, 1 diverged"."""
        endings = sorted(result.status for result in self.unfinished)
        counts = [("done", len(self.by_seed))] if self.by_seed else []
        counts += [(status, len(list(runs))) for status, runs in groupby(endings)]
        return ", ".join(f"{count} {status}" for status, count in counts)

    @property
    def note(self) -> str:
        """What may be claimed of the row, in words."""
        if self.accuracy is None:
            return "no finished run"
        notes = []
        if self.tuning is not None:
            notes.append(f"tuned: {describe_search(self.tuning)}")
        if self.oracle:
            notes.append(f"oracle ({', '.join(self.oracle)}): not ranked")
        if self.best:
            notes.append("best")
        if self.accuracy.n == 1:
            notes.append("1 seed: no claim")
        elif self.comparison and self.comparison.no_claim:
            notes.append(f"no claim: {self.comparison.no_claim}")
        elif self.comparison and not self.comparison.distinguishable:
            notes.append("p ≥ 0.05")
        return "; ".join(notes)


def sort_key(row: Row) -> tuple[Any, ...]:
    """Highest mean first, then by name, so that ties have one order."""
    mean = row.accuracy.mean if row.accuracy else None
    names = (row.track, row.method, row.recipe, canonical_json([row.overrides, row.params]))
    # Rounded, because equal scores may differ in the last bit of their means.
    return (mean is None, -round(mean, 12) if mean is not None else 0.0, *names)


def build_rows(results: Iterable[Result]) -> list[Row]:
    """One row per track, overrides, method, recipe, parameters and search, best mean first."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        overrides = result.off_track.overrides if result.off_track else None
        method = result.method
        tuning = result.spec.get("tuning")
        key = canonical_json(
            [result.track, overrides, method.name, method.recipe, method.params, tuning]
        )
        groups.setdefault(key, []).append(result)
    rows = [_build_row(group) for group in groups.values()]
    _tell_apart(rows)
    return sorted(rows, key=sort_key)


def _build_row(group: list[Result]) -> Row:
    runs = sorted(group, key=lambda result: (result.seed, result.fingerprint))
    done = [result for result in runs if result.status == "done"]
    first = (done or runs)[0]
    by_seed = {result.seed: getattr(result.scores, RANKED_SCORE) for result in done}
    return Row(
        track=first.track,
        overrides=first.off_track.overrides if first.off_track else None,
        method=first.method.name,
        recipe=first.method.recipe,
        params=first.method.params,
        distributions=_distinct(f"{r.method.distribution} {r.method.version}" for r in runs),
        networks=first.method.networks,
        oracle=_distinct(name for result in runs for name in result.method.oracle),
        by_seed=by_seed,
        accuracy=summarize(list(by_seed.values())) if by_seed else None,
        scores={name: _mean([getattr(r.scores, name) for r in done]) for name in SCORES},
        wall_seconds=_mean([result.cost.wall_seconds for result in done]),
        peak_memory_bytes=max(
            (r.cost.peak_memory_bytes for r in done if r.cost.peak_memory_bytes is not None),
            default=None,
        ),
        hardware=_environment(runs, "device"),
        precision=_environment(runs, "precision"),
        network=str(first.protocol.get("backbone", "not stated")),
        finished=tuple(done),
        unfinished=tuple(result for result in runs if result.status != "done"),
        tuning=first.tuning,
    )


def _environment(runs: Iterable[Result], key: str) -> tuple[str, ...]:
    return _distinct(str(run.environment[key]) for run in runs if key in run.environment)


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


def _mean(values: Sequence[float | None]) -> float | None:
    # None if any is missing: a mean over fewer seeds than the row names would mislead.
    known = [value for value in values if value is not None]
    return fsum(known) / len(known) if known and len(known) == len(values) else None


def _tell_apart(rows: list[Row]) -> None:
    """Give rows that share method and recipe the parameters in which they differ."""
    namesakes: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        namesakes.setdefault((row.method, row.recipe), []).append(row)
    for peers in namesakes.values():
        first = peers[0].params
        names = sorted({name for row in peers for name in row.params})
        distinct = [
            name for name in names if any(row.params.get(name) != first.get(name) for row in peers)
        ]
        for row in peers:
            row.distinct_params = {n: row.params[n] for n in distinct if n in row.params}
