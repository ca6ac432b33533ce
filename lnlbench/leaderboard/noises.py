"""Methods against noises: one matrix of the tracks that differ only in their labels."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lnlbench.data.names import images_of
from lnlbench.leaderboard import text
from lnlbench.leaderboard.across import Across, across_tracks, name_of
from lnlbench.leaderboard.cost import baseline_of
from lnlbench.leaderboard.row import Row
from lnlbench.leaderboard.table import Table
from lnlbench.noise.spec import HUMAN
from lnlbench.results.fingerprint import canonical_json

LEVELS = 3

RULE = (
    "A cell holds the row's last 10, averaged over seeds, in percent, then the "
    "row's rank in the table of that noise. Where cells have a color, green is above plain "
    "cross-entropy and orange is below it, and the largest difference of a noise has the darkest "
    "shade. The average rank compares the rows that have three seeds on every noise. Plain "
    "cross-entropy and the oracles stand first, as references; an oracle was told something that a "
    "user does not know, so it has no rank."
)

Kind = Literal["ranked", "baseline", "oracle"]
_Key = tuple[str, str]


@dataclass(frozen=True)
class Noise:
    """A column: the noise, its data set, the share of wrong labels, its track, the usual seeds.

    `seeds` is the number of seeds that most rows of the track have.
    """

    name: str
    dataset: str
    rate: float | None
    track: str
    seeds: int

    @property
    def wrong(self) -> str:
        """The share of wrong labels in words."""
        return text.wrong_labels(self.rate)

    @property
    def short(self) -> str:
        """The noise's name without its map: "asymmetric:0.4" for "asymmetric-block:0.4"."""
        kind, colon, rate = self.name.partition(":")
        return f"{kind.partition('-')[0]}{colon}{rate}" if colon else kind


@dataclass(frozen=True)
class Cell:
    """The result of a row on one noise.

    `mean` and `std` are fractions, `std` is None at one seed; `rank` is None for an oracle; `level`
    is the shade, from -3 (far below cross-entropy) to 3 (far above); `unusual` says that most rows
    have another number of seeds on this noise.
    """

    mean: float
    std: float | None
    seeds: tuple[int, ...]
    rank: int | None
    level: int
    unusual: bool


@dataclass(frozen=True)
class Line:
    """A method and recipe with a cell for each noise; None where it has no finished run."""

    name: str
    kind: Kind
    cells: tuple[Cell | None, ...]
    average_rank: float | None

    @property
    def average(self) -> str:
        """The average rank as text."""
        return text.number(self.average_rank, 1)


@dataclass(frozen=True)
class Matrix:
    """References first, then rows by rank; the matrix has the name of its shortest track."""

    name: str
    noises: tuple[Noise, ...]
    lines: tuple[Line, ...]
    across: Across


def noise_matrices(tables: Sequence[Table]) -> list[Matrix]:
    """A matrix, by name, for each protocol that at least two tracks share except for the labels."""
    families: dict[str, list[Table]] = {}
    for table in tables:
        families.setdefault(_all_but_labels(table), []).append(table)
    found = [_matrix(family) for family in families.values() if len(family) > 1]
    return sorted(found, key=lambda matrix: matrix.name)


def _all_but_labels(table: Table) -> str:
    labels = {"title", "description", "dataset", "noise", "noise_seed"}
    rest = {k: v for k, v in table.protocol.items() if k not in labels}
    return canonical_json([images_of(table.data.dataset), rest])


def _noise(table: Table, rows: Mapping[_Key, Row]) -> Noise:
    data, seeds = table.data, _usual_seeds(rows.values())
    name, dataset = text.plain(data.noise), text.plain(data.dataset)
    return Noise(name, dataset, data.noise_rate, table.track, seeds)


def _usual_seeds(rows: Iterable[Row]) -> int:
    """The number of seeds that most of these finished rows have; the larger one of two that tie."""
    counts = Counter(len(row.by_seed) for row in rows)
    return max(counts, key=lambda count: (counts[count], count), default=0)


def _matrix(tables: Sequence[Table]) -> Matrix:
    # People's labels come before drawn ones.
    tables = sorted(tables, key=lambda table: (table.data.noise not in HUMAN, table.track))
    across = across_tracks(tables)
    averages = {each.name: each.average for each in across.standings}
    rows = [_single_rows(table) for table in tables]
    noises = tuple(map(_noise, tables, rows))
    cells = [_cells(found, noise.seeds) for found, noise in zip(rows, noises, strict=True)]
    kinds = {key: _kind(row) for found in reversed(rows) for key, row in found.items()}
    lines = []
    for key in sorted(kinds):
        name = name_of(key)
        own = tuple(found.get(key) for found in cells)
        lines.append(Line(name, kinds[key], own, averages.get(name)))
    lines.sort(key=_order)
    return Matrix(
        name=min((table.track for table in tables), key=lambda track: (len(track), track)),
        noises=noises,
        lines=tuple(lines),
        across=across,
    )


def _single_rows(table: Table) -> dict[_Key, Row]:
    """Finished rows by method and recipe; leaves out a method that has rows of two settings."""
    found: dict[_Key, list[Row]] = {}
    for row in table.rows:
        if row.accuracy is not None:
            found.setdefault((row.method, row.recipe), []).append(row)
    return {key: rows[0] for key, rows in found.items() if len(rows) == 1}


def _cells(rows: Mapping[_Key, Row], usual: int) -> dict[_Key, Cell]:
    """The cells of one noise, shaded by how far its rows are from plain cross-entropy."""
    gains = _gains(rows)
    highest, lowest = max(gains.values(), default=0.0), min(gains.values(), default=0.0)
    found = {}
    for key, row in rows.items():
        assert row.accuracy is not None  # it is one of the finished rows
        gain = gains.get(key, 0.0)
        largest = (highest if gain > 0 else -lowest) or 1.0
        found[key] = Cell(
            mean=row.accuracy.mean,
            std=row.accuracy.std,
            seeds=tuple(sorted(row.by_seed)),
            rank=row.rank,
            level=round(LEVELS * gain / largest),
            unusual=len(row.by_seed) != usual,
        )
    return found


def _gains(rows: Mapping[_Key, Row]) -> dict[_Key, float]:
    """How far each ranked row is above plain cross-entropy, as a fraction of all samples."""
    baseline = baseline_of(rows.values())
    if baseline is None or baseline.accuracy is None:
        return {}
    base = baseline.accuracy.mean
    return {key: row.accuracy.mean - base for key, row in rows.items() if row.rank and row.accuracy}


def _kind(row: Row) -> Kind:
    if row.oracle:
        return "oracle"
    return "baseline" if baseline_of([row]) else "ranked"


def _order(line: Line) -> tuple[bool, bool, float, float, str]:
    """References by accuracy, then rows by average rank, or by the mean of their known ranks."""
    cells = [cell for cell in line.cells if cell]
    if line.kind != "ranked":
        return (False, False, 0.0, -max(cell.mean for cell in cells), line.name)
    ranks = [cell.rank for cell in cells if cell.rank]
    average = line.average_rank
    return (True, average is None, average or 0.0, sum(ranks) / max(1, len(ranks)), line.name)
