"""Tables on a terminal: the columns that fit in 100 characters. The files hold the others."""

from collections.abc import Sequence
from typing import Literal

from rich.table import Table as Grid
from rich.text import Text

from lnlbench.leaderboard import text
from lnlbench.leaderboard.columns.column import Column, with_values
from lnlbench.leaderboard.columns.layouts import TERMINAL, TERMINAL_OFF_TRACK
from lnlbench.leaderboard.row import Row
from lnlbench.leaderboard.table import Table, build_tables, off_track_rows
from lnlbench.results.schema import Result
from lnlbench.system.console import Console

WIDTH = 100


def show_all(results: Sequence[Result], console: Console) -> None:
    """Print every track's table, then the runs that override their track."""
    for table in build_tables(results):
        show(table, console)
    off_track = off_track_rows(results)
    if off_track:
        show_off_track(off_track, console)


def show(table: Table, console: Console) -> None:
    """Print the table of a track, with best test epochs in grey."""
    data = table.data
    caption = (
        f"{table.track}: {data.dataset}, {data.noise}, {text.wrong_labels(data.noise_rate)}. "
        "Ranked by the mean of the last 10 epochs; best (grey) was chosen on the test set."
    )
    grid = Grid(title=Text(text.plain(table.title)), caption=Text(text.plain(caption)))
    columns = with_values(TERMINAL, table.rows)
    for column in columns:
        justify: Literal["left", "right"] = "right" if column.numeric else "left"
        grid.add_column(column.head, justify=justify, no_wrap=column.numeric)
    _fill(grid, columns, table.rows)
    console.print(grid)


def show_off_track(rows: Sequence[Row], console: Console) -> None:
    """Print the runs that override their track, with what they override and without ranks."""
    grid = Grid(title=Text("Runs that override their track: not comparable, not ranked"))
    columns = with_values(TERMINAL_OFF_TRACK, rows)
    for column in columns:
        grid.add_column(column.head, overflow="fold")
    _fill(grid, columns, rows)
    console.print(grid)


def _fill(grid: Grid, columns: Sequence[Column[Row]], rows: Sequence[Row]) -> None:
    for row in rows:
        cells = [(text.plain(column.cell(row)), column.muted) for column in columns]
        grid.add_row(*(Text(cell, style="dim" if muted else "") for cell, muted in cells))
