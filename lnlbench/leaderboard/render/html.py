"""Tables as one HTML page that holds all its styles, scripts and curves."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lnlbench.leaderboard import text
from lnlbench.leaderboard.across import across_tracks
from lnlbench.leaderboard.columns.column import Column, with_values
from lnlbench.leaderboard.columns.detection import FOUND
from lnlbench.leaderboard.columns.layouts import PAGE, PAGE_OFF_TRACK
from lnlbench.leaderboard.columns.rows import RANKED
from lnlbench.leaderboard.detection import Found, found_labels
from lnlbench.leaderboard.facts import table_facts
from lnlbench.leaderboard.noises import noise_matrices
from lnlbench.leaderboard.page.cost_chart import CostChart, cost_chart
from lnlbench.leaderboard.page.details import detail_for, headings, row_details
from lnlbench.leaderboard.page.pictures import (
    ClassTables,
    WrongLabels,
    row_pictures,
    snapshots_for,
    wrong_labels,
)
from lnlbench.leaderboard.page.spread import Scale, scale_of
from lnlbench.leaderboard.page.template import embedded, render_template
from lnlbench.leaderboard.repeat import commands
from lnlbench.leaderboard.row import Row
from lnlbench.leaderboard.table import Table
from lnlbench.results.published import Published
from lnlbench.results.schema import OFF_TRACK

INDEX = "index.html"


@dataclass(frozen=True)
class Section:
    """A table of the page, with what stands around it."""

    track: str
    title: str
    intro: str
    facts: dict[str, str]
    columns: tuple[Column[Row], ...]
    rows: Sequence[Row]
    details: list[str]
    scale: Scale | None = None
    published: Published | None = None
    wrong_labels: WrongLabels | None = None
    found: Sequence[Found] = ()
    found_columns: tuple[Column[Found], ...] = ()
    cost: CostChart | None = None
    sorted_by: Column[Row] | None = None
    commands: list[str] = field(default_factory=list)


def html_page(tables: Sequence[Table], off_track: Sequence[Row]) -> str:
    """All tables as one page; the same results give the same bytes in any order."""
    rows = [row for table in tables for row in table.rows] + list(off_track)
    detail, snapshots, class_tables = detail_for(rows), snapshots_for(rows), ClassTables()

    def content(row: Row, published: Published | None) -> str:
        pictures = row_pictures(row, class_tables, snapshots)
        return embedded(row_details(row, published, detail) | {"pictures": pictures})

    matrices = noise_matrices(tables)
    found = {table.track: found_labels(table) for table in tables}
    sections = [
        Section(
            track=table.track,
            title=text.plain(table.title),
            intro="",
            facts=table_facts(table),
            columns=with_values(PAGE, table.rows),
            rows=table.rows,
            details=[content(row, table.published) for row in table.rows],
            scale=scale_of(table.rows),
            published=table.published,
            wrong_labels=wrong_labels(run for row in table.rows for run in row.finished),
            found=found[table.track],
            found_columns=with_values(FOUND, found[table.track]),
            cost=cost_chart(table.rows),
            sorted_by=RANKED,
            commands=sorted({line for row in table.rows for line in commands(row)}),
        )
        for table in tables
    ]
    if off_track:
        sections.append(
            Section(
                track=OFF_TRACK,
                title="Runs that override their track",
                intro="These runs changed something in their track. They are comparable neither "
                "with the track's table nor with each other, so they have no ranks.",
                facts={},
                columns=with_values(PAGE_OFF_TRACK, off_track),
                rows=off_track,
                details=[content(row, None) for row in off_track],
            )
        )
    return render_template(
        "leaderboard.html.j2",
        title="lnlbench leaderboards",
        made_by="lnlbench leaderboard",
        sections=sections,
        filters=_filters(rows),
        note=detail.describe(),
        newest=max((run.created[:10] for row in rows for run in row.finished), default=""),
        headings=embedded(headings(rows)),
        class_tables=embedded(class_tables.tables),
        matrices=matrices,
        across=None if matrices else across_tracks(tables),
    )


def _filters(rows: Iterable[Row]) -> dict[str, list[str]]:
    rows = list(rows)
    return {
        "recipe": sorted({text.plain(row.recipe) for row in rows}),
        "network": sorted({text.plain(row.network) for row in rows}),
    }
