"""Tables as one HTML page that needs nothing else: styles, scripts and curves are in it."""

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from lnlbench.leaderboard import text
from lnlbench.leaderboard.across import RULE, across_tracks
from lnlbench.leaderboard.columns import (
    METHOD,
    OFF_TRACK_COLUMNS,
    RANKED,
    SPREAD,
    TRACK_COLUMNS,
    Column,
)
from lnlbench.leaderboard.details import detail_for, row_details
from lnlbench.leaderboard.facts import command, table_facts
from lnlbench.leaderboard.pictures import (
    ClassTables,
    WrongLabels,
    row_pictures,
    snapshots_for,
    wrong_labels,
)
from lnlbench.leaderboard.row import Row
from lnlbench.leaderboard.spread import Scale, ranks_drawn, scale_of, spread_of
from lnlbench.leaderboard.table import Table
from lnlbench.results.published import Published
from lnlbench.results.schema import OFF_TRACK
from lnlbench.results.statistics import MIN_COMMON_SEEDS

if TYPE_CHECKING:
    from jinja2 import Environment

INDEX = "index.html"
_SCRIPTS = ("uPlot.iife.min.js", "table.js", "charts.js", "pictures.js", "details.js", "start.js")
_STYLES = ("uPlot.min.css", "page.css")


@dataclass(frozen=True)
class Section:
    """A table of the page, with what stands around it."""

    track: str
    title: str
    intro: str
    facts: dict[str, str]
    columns: tuple[Column, ...]
    rows: Sequence[Row]
    details: list[str]
    scale: Scale | None = None
    published: Published | None = None
    wrong_labels: WrongLabels | None = None
    sorted_by: str | None = None
    commands: list[str] = field(default_factory=list)


def html_page(tables: Sequence[Table], off_track: Sequence[Row]) -> str:
    """All tables as one page; the same results give the same bytes in any order."""
    rows = [row for table in tables for row in table.rows] + list(off_track)
    detail, snapshots, class_tables = detail_for(rows), snapshots_for(rows), ClassTables()

    def content(row: Row, published: Published | None) -> str:
        pictures = row_pictures(row, class_tables, snapshots)
        return embedded(row_details(row, published, detail) | {"pictures": pictures})

    sections = [
        Section(
            track=table.track,
            title=text.plain(str(table.protocol.get("title", table.track))),
            intro="",
            facts=table_facts(table),
            columns=TRACK_COLUMNS,
            rows=table.rows,
            details=[content(row, table.published) for row in table.rows],
            scale=scale_of(table.rows),
            published=table.published,
            wrong_labels=wrong_labels(run for row in table.rows for run in row.finished),
            sorted_by=RANKED.name,
            commands=list(dict.fromkeys(sorted(command(row) for row in table.rows))),
        )
        for table in tables
    ]
    if off_track:
        sections.append(
            Section(
                track=OFF_TRACK,
                title="Runs that override their track",
                intro="They changed something of their track. They are comparable neither with the "
                "track's table nor with each other, so there are no ranks.",
                facts={},
                columns=OFF_TRACK_COLUMNS,
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
        class_tables=embedded(class_tables.tables),
        across=across_tracks(tables),
    )


def embedded(value: Any) -> str:
    """JSON that is safe inside a script element: no "<", ">", "&", or line separator."""
    document = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        document = document.replace(character, f"\\u{ord(character):04x}")
    return document


def render_template(name: str, images: bool = False, **values: Any) -> str:
    """A page made of a template, with its styles and scripts in it and a policy for both.

    `images` allows pictures that are in the page itself.
    """
    scripts, styles = _joined(_SCRIPTS, "\n;\n"), _joined(_STYLES, "\n")
    return (
        _environment()
        .get_template(name)
        .render(
            scripts=scripts,
            styles=styles,
            script_hash=_sha256(scripts),
            style_hash=_sha256(styles),
            license=_asset("uPlot.LICENSE"),
            images=images,
            **values,
        )
    )


def _filters(rows: Iterable[Row]) -> dict[str, list[str]]:
    rows = list(rows)
    return {
        "recipe": sorted({text.plain(row.recipe) for row in rows}),
        "network": sorted({text.plain(row.network) for row in rows}),
    }


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(_asset),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["plain"] = text.plain
    environment.filters["percent"] = text.percent
    environment.globals.update(
        min_common_seeds=MIN_COMMON_SEEDS,
        method_column=METHOD,
        spread_column=SPREAD,
        spread_of=spread_of,
        ranks_drawn=ranks_drawn,
        across_rule=RULE,
        published_accuracy=text.published_accuracy,
    )
    return environment


@cache
def _asset(name: str) -> str:
    return files("lnlbench.leaderboard").joinpath("page", name).read_text(encoding="utf-8")


def _joined(names: Iterable[str], separator: str) -> str:
    return separator.join(_asset(name) for name in names)


def _sha256(text_: str) -> str:
    # As a browser takes it for the content security policy: of the text between the tags.
    return "sha256-" + base64.b64encode(hashlib.sha256(text_.encode()).digest()).decode()
