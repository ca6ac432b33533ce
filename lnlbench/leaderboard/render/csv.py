"""Rows as flat records, for CSV and JSON: numbers stay numbers, accuracies stay fractions."""

import csv
import io
from collections.abc import Iterable

from lnlbench.leaderboard.row import RANKED_SCORE, SCORES, Row
from lnlbench.leaderboard.text import plain
from lnlbench.results.fingerprint import canonical_json

Cell = str | int | float | None


def record(row: Row) -> dict[str, Cell]:
    """A row as column name to value, in column order."""
    summary = row.accuracy
    comparison = row.comparison
    cells: dict[str, Cell] = {
        "track": row.track,
        "overrides": None if row.overrides is None else canonical_json(row.overrides),
        "rank": row.rank,
        "method": row.method,
        "recipe": row.recipe,
        "params": canonical_json(row.params),
        "distribution": ", ".join(row.distributions),
        "status": row.status,
        "seeds": " ".join(str(seed) for seed in sorted(row.by_seed)),
        "n": len(row.by_seed),
        RANKED_SCORE: _round(summary.mean if summary else None),
        f"{RANKED_SCORE}_std": _round(summary.std if summary else None),
        f"{RANKED_SCORE}_low": _round(summary.low if summary else None),
        f"{RANKED_SCORE}_high": _round(summary.high if summary else None),
        "p_value_vs_best": _round(comparison.p_value if comparison else None),
        "note": row.note,
    }
    cells |= {score: _round(row.scores[score]) for score in SCORES}
    cells |= {
        "networks": row.networks,
        "oracle": ", ".join(row.oracle),
        "wall_seconds": _round(row.wall_seconds),
        "times_ce": _round(row.times_ce),
        "peak_memory_bytes": row.peak_memory_bytes,
        "hardware": ", ".join(row.hardware),
        "precision": ", ".join(row.precision),
        "tuning_trials": row.tuning.trials if row.tuning else None,
        "tuning_seconds": _round(row.tuning.wall_seconds if row.tuning else None),
    }
    return cells


def csv_text(rows: Iterable[Row]) -> str:
    """Rows as CSV with a header line; an undefined value is an empty cell."""
    records = [record(row) for row in rows]
    buffer = io.StringIO()
    columns = list(records[0]) if records else []
    writer = csv.DictWriter(buffer, fieldnames=columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: _cell(value) for k, value in cells.items()} for cells in records)
    return buffer.getvalue()


def _round(value: float | None) -> float | None:
    # Six digits, so that the last bit of another machine's arithmetic changes no file.
    return None if value is None else float(f"{value:.6g}")


def _cell(value: Cell) -> Cell:
    if not isinstance(value, str):
        return value
    text = plain(value)
    # A spreadsheet would run such a text as a formula.
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
