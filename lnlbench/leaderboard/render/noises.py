"""A matrix of methods and noises as Markdown, CSV, and an SVG image."""

import csv
import io
from dataclasses import replace

from lnlbench.leaderboard import text
from lnlbench.leaderboard.across import Across
from lnlbench.leaderboard.noises import Cell, Line, Matrix, Noise
from lnlbench.leaderboard.page.template import fill_in
from lnlbench.leaderboard.render.csv import safe_cell
from lnlbench.leaderboard.render.markdown import MARKER, grid
from lnlbench.leaderboard.text import escape

PICTURED = 15  # rows of the picture below the references
NOISES = "-noises"  # the end of the names of a matrix's files
_RECORD = (
    *("method", "kind", "average_rank", "track", "dataset", "noise", "noise_rate"),
    *("mean", "std", "seeds", "rank"),
)


def noises_markdown(matrix: Matrix) -> str:
    """The matrix as a Markdown table: a row's name, its average rank, a cell for each noise."""
    header = ["method", "average rank", *(_head(noise) for noise in matrix.noises)]
    lines = [
        [_name(line), line.average, *(_cell(cell) for cell in line.cells)] for line in matrix.lines
    ]
    return grid(header, lines)


def noises_csv(matrix: Matrix) -> str:
    """One record for each method and noise, accuracies as fractions."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_RECORD)
    for line in matrix.lines:
        for noise, cell in zip(matrix.noises, line.cells, strict=True):
            if cell is not None:
                about = (noise.track, noise.dataset, noise.name, _rounded(noise.rate))
                numbers = (_rounded(cell.mean), _rounded(cell.std), len(cell.seeds), cell.rank)
                average = _rounded(line.average_rank)
                record = [line.name, line.kind, average, *about, *numbers]
                writer.writerow(map(safe_cell, record))
    return buffer.getvalue()


def noises_svg(matrix: Matrix) -> str:
    """The references and the first rows as an SVG image, which requests nothing and runs nothing.

    A picture of all rows would be too high to be read at a glance.
    """
    references = [line for line in matrix.lines if line.kind != "ranked"]
    rows = [line for line in matrix.lines if line.kind == "ranked"]
    more = len(rows) - PICTURED
    notes = [
        "Mean test accuracy of the last 10 epochs in percent, mean over seeds; small: the rank.",
        "Green: above plain cross-entropy (ce); orange: below. n: seeds, if unlike most rows.",
        comparison(matrix.across),
        *([f"The whole table has {more} more row{'' if more == 1 else 's'}."] if more > 0 else []),
    ]
    return fill_in(
        "noises.svg.j2",
        matrix=replace(matrix, lines=(*references, *rows[:PICTURED])),
        notes=notes,
        made_by=MARKER.strip("<!-> "),
    )


def comparison(across: Across) -> str:
    """What the ranks over the noises show, or why they show nothing, in one or two sentences."""
    if across.missing:
        return "Ranks are compared when three noises have three rows of three seeds."
    return text.plain(
        f"Over {len(across.tracks)} noises: Friedman p = {across.p_value:.3g}, critical difference "
        f"{across.critical_difference:.2f}. {across.claim}"
    )


def _head(noise: Noise) -> str:
    return escape(f"{noise.name}, {noise.wrong}")


def _name(line: Line) -> str:
    return escape(line.name) + (" (oracle)" if line.kind == "oracle" else "")


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return text.MISSING
    rank = "" if cell.rank is None else f" ({cell.rank})"
    seeds = f" n={len(cell.seeds)}" if cell.unusual else ""
    return f"{text.percent(cell.mean)}{rank}{seeds}"


def _rounded(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
