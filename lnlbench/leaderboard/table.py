"""The table of a track: its rows, what was measured, and what papers report on the same data."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lnlbench.leaderboard.row import Row, ranked_rows, unranked_rows
from lnlbench.results.audits import NO_AUDITS, Audits, AuditSummary
from lnlbench.results.published import Published, published_figures
from lnlbench.results.schema import Data, Result


@dataclass(frozen=True)
class Table:
    """A track with its rows in order, ranked and unranked, and what papers report on its data.

    `audits` are those of the track's training labels.
    """

    track: str
    protocol: dict[str, Any]
    data: Data
    rows: tuple[Row, ...]
    published: Published
    audits: tuple[AuditSummary, ...] = ()

    @property
    def title(self) -> str:
        """The track's title."""
        return str(self.protocol.get("title", self.track))


def build_tables(results: Iterable[Result], audits: Audits = NO_AUDITS) -> list[Table]:
    """One table per track that has on-track results, by name."""
    by_track: dict[str, list[Result]] = {}
    for result in results:
        if result.off_track is None:
            by_track.setdefault(result.track, []).append(result)
    return [
        _build_table(track, by_track[track], audits.get(track, ())) for track in sorted(by_track)
    ]


def off_track_rows(results: Iterable[Result]) -> list[Row]:
    """The rows of results that override their track: by track and name, without ranks."""
    rows = unranked_rows(result for result in results if result.off_track is not None)
    return sorted(rows, key=lambda row: (row.track, row.method, row.recipe))


def _build_table(track: str, results: list[Result], audits: Sequence[AuditSummary]) -> Table:
    # Results of one track agree on these (leaderboard/check.py), so any of them will do.
    first = min(results, key=lambda result: result.fingerprint)
    published = published_figures(first.data.dataset, first.data.noise)
    rows = tuple(ranked_rows(results))
    return Table(track, first.protocol, first.data, rows, published, tuple(audits))
