"""Tables on a terminal: the columns that fit in 100 characters, the rest is in the files."""

import json
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from lnlbench.leaderboard import text
from lnlbench.leaderboard.row import Row
from lnlbench.leaderboard.table import Table, build_tables, off_track_rows
from lnlbench.results.schema import Result

WIDTH = 100


def show_all(results: Sequence[Result], console: Console) -> None:
    """Print every track's table, then the runs that override their track."""
    for table in build_tables(results):
        show(table, console)
    off_track = off_track_rows(results)
    if off_track:
        show_off_track(off_track, console)


def show(table: Table, console: Console) -> None:
    """Print a track's table: best test epochs greyed, unranked rows without a rank."""
    data = table.data
    grid = Grid(
        title=Text(text.plain(str(table.protocol.get("title", table.track)))),
        caption=Text(
            text.plain(
                f"{table.track}: {data.dataset}, {data.noise}, {text.percent(data.noise_rate)} % "
                "wrong labels. Ranked by the mean of the last 10 epochs; best (grey) was chosen "
                "on the test set."
            )
        ),
    )
    for column in ("rank", "method", "seeds", "last 10", "last", "best", "AUROC", "time", "note"):
        words = column in ("method", "note")
        grid.add_column(column, justify="left" if words else "right", no_wrap=not words)
    for row in table.rows:
        grid.add_row(*_cells(row))
    console.print(grid)


def show_off_track(rows: Sequence[Row], console: Console) -> None:
    """Print the runs that override their track, with what they override; never ranked."""
    grid = Grid(title=Text("Runs that override their track: not comparable, not ranked"))
    for column in ("track", "overrides", "method", "seeds", "last 10", "time"):
        grid.add_column(column, overflow="fold")
    for row in rows:
        overrides = json.dumps(row.overrides, sort_keys=True, ensure_ascii=False)
        figures = (str(len(row.by_seed)), text.accuracy(row), text.duration(row.wall_seconds))
        cells = (row.track, overrides, text.name(row), *figures)
        grid.add_row(*(Text(text.plain(cell)) for cell in cells))
    console.print(grid)


def _cells(row: Row) -> list[Text]:
    name = text.name(row) if row.recipe == "matched" else f"{text.name(row)}, {row.recipe}"
    note = row.note if not row.unfinished else "; ".join(filter(None, (row.note, row.status)))
    return [
        Text(text.MISSING if row.rank is None else str(row.rank)),
        Text(text.plain(name)),
        Text(str(len(row.by_seed))),
        Text(text.accuracy(row)),
        Text(text.percent(row.scores["test_accuracy_last"])),
        Text(text.percent(row.scores["test_accuracy_best"]), style="dim"),
        Text(text.number(row.scores["clean_auroc"])),
        Text(text.duration(row.wall_seconds)),
        Text(text.plain(note)),
    ]
