"""The rows of each method and its curve on each track, below the method's page on the site.

MkDocs calls `on_page_markdown`. The figures come from the committed results.
"""

import functools
import re
import statistics
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup
from mkdocs.structure.pages import Page

from lnlbench.leaderboard import text
from lnlbench.leaderboard.columns.rows import (
    ACCURACY,
    BEST,
    GAIN,
    METHOD_AND_RECIPE,
    NOTE,
    RANK,
    SEEDS,
    TIME,
)
from lnlbench.leaderboard.row import Row
from lnlbench.leaderboard.table import Table, build_tables
from lnlbench.results import ResultStore

LEADERBOARDS = Path(__file__).resolve().parents[1] / "leaderboards"
COLUMNS = (METHOD_AND_RECIPE, RANK, ACCURACY, GAIN, BEST, SEEDS, TIME, NOTE)
BASELINE = "ce"
WIDTH, HEIGHT = 260, 120
_PAGE = re.compile(r"(docs/methods|plugins/[^/]+/docs)/([a-z0-9-]+)\.md")
_TEMPLATES = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
_TEMPLATES.filters["cell"] = lambda words: Markup(text.escape(words))
_TEMPLATE = Path(__file__).with_suffix(".md.j2")


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:
    """The page of a method with a table of its rows and a chart for each of them."""
    found = _PAGE.fullmatch(page.file.src_uri)
    rows = _rows().get(found[2], []) if found else []
    if not rows:
        return markdown
    section = _TEMPLATES.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    return f"{markdown}\n\n" + section.render(
        rows=rows,
        columns=COLUMNS,
        tracks=dict.fromkeys(row.track for row in rows),
        charts=[_chart(row) for row in rows if _curve(row)],
        up="../" * page.file.src_uri.count("/"),
        width=WIDTH,
        height=HEIGHT,
    )


@functools.cache
def _tables() -> dict[str, Table]:
    results, _ = ResultStore(LEADERBOARDS).load_all()
    return {table.track: table for table in build_tables(results)}


@functools.cache
def _rows() -> dict[str, list[Row]]:
    found = defaultdict(list)
    for table in _tables().values():
        for row in table.rows:
            if row.accuracy:
                found[row.method].append(row)
    return found


def _curve(row: Row) -> list[float]:
    """The mean test accuracy after each epoch, in the epochs that all seeds have."""
    curves = [result.curves.get("test_accuracy", []) for result in row.finished]
    return [statistics.fmean(values) for values in zip(*curves, strict=False) if None not in values]


def _chart(row: Row) -> dict[str, Any]:
    baseline = next((r for r in _tables()[row.track].rows if r.name == BASELINE), None)
    curves = [(row.name, _curve(row), "#00897b", 2)]
    if baseline is not None and baseline.name != row.name:
        curves.insert(0, (BASELINE, _curve(baseline), "#9e9e9e", 1.5))
    values = [value for _, curve, _, _ in curves for value in curve]
    low, top = min(values), max(values)
    return {
        "title": f"{row.name_and_recipe} on {row.track}",
        "low": f"{100 * low:.0f}",
        "top": f"{100 * top:.0f}",
        "epochs": max(len(curve) for _, curve, _, _ in curves),
        "lines": [
            {"name": name, "points": _points(curve, low, top), "color": color, "width": width}
            for name, curve, color, width in curves
        ],
    }


def _points(curve: Iterable[float], low: float, top: float) -> str:
    curve = list(curve)
    step = WIDTH / max(1, len(curve) - 1)
    scale = HEIGHT / ((top - low) or 1.0)
    return " ".join(f"{i * step:.1f},{(top - v) * scale:.1f}" for i, v in enumerate(curve))
