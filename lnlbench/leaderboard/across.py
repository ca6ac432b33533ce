"""Compare methods across tracks by their average ranks, and say which methods differ."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lnlbench.leaderboard import text
from lnlbench.leaderboard.table import Table
from lnlbench.results.statistics import MIN_COMMON_SEEDS, compare_ranks

MIN_TRACKS = 3
MIN_METHODS = 3

RULE = (
    f"The comparison takes ranked rows with at least {MIN_COMMON_SEEDS} seeds, by method and "
    f"recipe, over tracks that have at least {MIN_METHODS} such rows in common. While there are "
    "too few common rows, it leaves out the track with the fewest. In each track the mean of the "
    "last 10 epochs ranks these rows among themselves. Friedman's test asks whether they differ at "
    "all (p < 0.05). If they do, two rows differ by Nemenyi's test when their average ranks differ "
    "by the critical difference or more (Demšar, JMLR 2006)."
)

_Key = tuple[str, str]


@dataclass(frozen=True)
class Standing:
    """A method's ranks, one per track, and their average."""

    name: str
    ranks: list[float]
    average: float


@dataclass(frozen=True)
class Across:
    """Methods by average rank, best first; or, in `missing`, why they cannot be compared yet."""

    tracks: list[str]
    left_out: list[str]
    standings: list[Standing]
    p_value: float
    critical_difference: float
    claim: str
    missing: str


def across_tracks(tables: Sequence[Table]) -> Across:
    """Compare what the tables have in common, by `RULE`."""
    scores = {table.track: _eligible(table) for table in tables}
    chosen = sorted(scores)
    while len(chosen) >= MIN_TRACKS and len(_common(scores, chosen)) < MIN_METHODS:
        chosen.remove(min(chosen, key=lambda track: (len(scores[track]), track)))
    if len(chosen) < MIN_TRACKS:
        return Across([], [], [], 1.0, 0.0, "", _missing(scores))
    keys = sorted(_common(scores, chosen))
    found = compare_ranks([[scores[track][key] for key in keys] for track in chosen])
    standings = [
        Standing(name_of(key), [ranks[i] for ranks in found.ranks], found.averages[i])
        for i, key in enumerate(keys)
    ]
    standings.sort(key=lambda standing: (standing.average, standing.name))
    return Across(
        tracks=chosen,
        left_out=[track for track in sorted(scores) if track not in chosen],
        standings=standings,
        p_value=found.p_value,
        critical_difference=found.critical_difference,
        claim=_claim(standings, found.critical_difference if found.distinguishable else None),
        missing="",
    )


def _eligible(table: Table) -> dict[_Key, float]:
    rows = [row for row in table.rows if row.rank is not None]
    # Two settings of one method: neither of them can represent it.
    counts = Counter((row.method, row.recipe) for row in rows)
    return {
        (row.method, row.recipe): row.accuracy.mean
        for row in rows
        if row.accuracy is not None
        and row.accuracy.n >= MIN_COMMON_SEEDS
        and counts[row.method, row.recipe] == 1
    }


def _common(scores: dict[str, dict[_Key, float]], tracks: Sequence[str]) -> set[_Key]:
    return set.intersection(*(set(scores[track]) for track in tracks))


def name_of(key: _Key) -> str:
    """A method and its recipe in words; the usual recipe is not named."""
    method, recipe = key
    return text.plain(method if recipe == "matched" else f"{method}, {recipe}")


def _claim(standings: Sequence[Standing], difference: float | None) -> str:
    if difference is None:
        return "The ranks show no difference between these rows."
    best = standings[0]
    worse = [each.name for each in standings if each.average - best.average >= difference]
    if not worse:
        return f"The rows differ, but no row differs from {best.name}."
    return (
        f"Of the {len(standings)} rows that are compared, {best.name} has the best average rank. "
        f"These rows differ from it: {', '.join(worse)}."
    )


def _missing(scores: dict[str, dict[_Key, float]]) -> str:
    counts = "; ".join(
        f"{text.plain(track)} has {len(found)}" for track, found in sorted(scores.items())
    )
    return (
        f"There is no comparison across tracks yet: it needs {MIN_METHODS} methods with at least "
        f"{MIN_COMMON_SEEDS} seeds each on the same {MIN_TRACKS} tracks. "
        f"Rows with at least {MIN_COMMON_SEEDS} seeds so far: {counts or 'none'}."
    )
