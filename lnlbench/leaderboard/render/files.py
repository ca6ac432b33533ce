"""The files of a leaderboard: a page and a CSV for each table, an HTML page, and a README."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path

from lnlbench.leaderboard.detection import found_labels
from lnlbench.leaderboard.noises import noise_matrices
from lnlbench.leaderboard.render.csv import csv_text, records
from lnlbench.leaderboard.render.html import INDEX, html_page
from lnlbench.leaderboard.render.markdown import MARKER, markdown_page, off_track_page
from lnlbench.leaderboard.render.noises import NOISES, noises_csv, noises_svg
from lnlbench.leaderboard.render.readme import README, readme_page
from lnlbench.leaderboard.table import build_tables, off_track_rows
from lnlbench.results.audits import NO_AUDITS, Audits
from lnlbench.results.schema import OFF_TRACK, Result


def render(
    results: Sequence[Result], complete: bool = True, audits: Audits = NO_AUDITS
) -> dict[str, str]:
    """The text of each file by its name, in order of the tracks' names, off-track results last.

    Only a complete set of results gets an HTML page and a README.
    """
    pages = {}
    tables = build_tables(results, audits)
    for table in tables:
        pages[f"{table.track}.md"] = markdown_page(table)
        pages[f"{table.track}.csv"] = csv_text(table.rows)
    rows = off_track_rows(results)
    if rows:
        pages[f"{OFF_TRACK}.md"] = off_track_page(rows)
        pages[f"{OFF_TRACK}.csv"] = csv_text(rows)
    if complete:
        for matrix in noise_matrices(tables):
            pages[f"{matrix.name}{NOISES}.svg"] = noises_svg(matrix)
            pages[f"{matrix.name}{NOISES}.csv"] = noises_csv(matrix)
        pages[INDEX] = html_page(tables, rows)
        pages[README] = readme_page(tables, rows)
    return pages


def is_foreign(path: Path) -> bool:
    """Whether a user wrote the README: lnlbench then neither overwrites nor compares it."""
    if path.name != README or not path.is_file():
        return False
    return not path.read_bytes().startswith(MARKER.encode())


def combined_html(results: Sequence[Result], audits: Audits = NO_AUDITS) -> str:
    """All tables as one HTML page."""
    return html_page(build_tables(results, audits), off_track_rows(results))


def combined_csv(results: Sequence[Result]) -> str:
    """The rows of all tables as one CSV, off-track rows last."""
    rows = [row for table in build_tables(results) for row in table.rows]
    return csv_text([*rows, *off_track_rows(results)])


def combined_json(results: Sequence[Result], audits: Audits = NO_AUDITS) -> str:
    """All tables as one JSON object; the rows have the columns of the CSV."""
    tables, off_track = build_tables(results, audits), off_track_rows(results)
    # One call for all rows, so that they have the same columns.
    found = iter(records([*(row for table in tables for row in table.rows), *off_track]))
    tracks = [
        {
            "track": table.track,
            "protocol": table.protocol,
            "data": table.data.model_dump(mode="json"),
            "rows": list(islice(found, len(table.rows))),
            "wrong_labels_found": [asdict(found) for found in found_labels(table)],
            "published": table.published.model_dump(mode="json"),
        }
        for table in tables
    ]
    return json.dumps({"tracks": tracks, "off_track": list(found)}, indent=2, ensure_ascii=False)
