"""Tables as Markdown pages: what was measured, the rows, what may be claimed, how to repeat it."""

from collections.abc import Iterable, Iterator, Sequence

from lnlbench.leaderboard.columns.column import Column, Of, with_values
from lnlbench.leaderboard.columns.details import FAILURES
from lnlbench.leaderboard.columns.layouts import (
    MARKDOWN_MEASURES,
    MARKDOWN_OFF_TRACK,
    MARKDOWN_RANKING,
)
from lnlbench.leaderboard.columns.published import PUBLISHED, cited_figures, numbered_sources
from lnlbench.leaderboard.facts import table_facts
from lnlbench.leaderboard.repeat import commands
from lnlbench.leaderboard.row import Row
from lnlbench.leaderboard.table import Table
from lnlbench.leaderboard.text import escape
from lnlbench.results.schema import OFF_TRACK
from lnlbench.results.statistics import MIN_COMMON_SEEDS

MARKER = "<!-- Made by `lnlbench leaderboard` from the files in results/: do not edit. -->"

_LEGEND = f"""\
Accuracies are test accuracies in percent, mean ± standard deviation over seeds. **last 10** is
the mean over the last 10 epochs (below 100 epochs: the last tenth, at least one) and alone
decides the rank; **selected** is the epoch chosen on a noisy validation split; **best** was
chosen on the test set and is in parentheses because it ranks nothing. **p ≥ 0.05** marks a row
that a paired t-test over common seeds, Holm-corrected, does not tell from the best row: it may
be as good, or its seeds differ too much to say. With fewer than {MIN_COMMON_SEEDS} common seeds
there is no claim. An **oracle** row was told something that a real user does not know, and is
not ranked. **memorization** is the accuracy on wrong training labels (lower is better). **× CE**
is the time as a multiple of plain cross-entropy's on the same hardware; **steps × CE** and
**passes × CE** are the same of optimizer steps and of samples through networks with gradients in
an epoch. **seeds from different code** marks a row whose method was edited between its runs: the
spread of such a row is not that of seeds alone.
"""


def markdown_page(table: Table) -> str:
    """A track's page; the same results give the same bytes in whatever order they are read."""
    sections = [
        f"{MARKER}\n\n# {escape(table.title)}\n",
        _header(table),
        _table(MARKDOWN_RANKING, table.rows),
        _LEGEND,
        "## Label selection, calibration, cost\n",
        _table(MARKDOWN_MEASURES, table.rows),
        _failures(table.rows),
        "## Reproduce\n",
        _commands(table.rows),
        _published(table),
    ]
    return "\n".join(section for section in sections if section)


def off_track_page(rows: Sequence[Row]) -> str:
    """The page of results that override their track, with what they override."""
    intro = (
        "Runs that changed something of their track. They are comparable neither with the "
        "track's table nor with each other, so there are no ranks.\n"
    )
    table = _table(MARKDOWN_OFF_TRACK, rows)
    sections = [f"{MARKER}\n\n# {OFF_TRACK}\n", intro, table, _failures(rows)]
    return "\n".join(section for section in sections if section)


def _header(table: Table) -> str:
    facts = table_facts(table)
    return "".join(f"- **{key}:** {escape(value)}\n" for key, value in facts.items())


def _failures(rows: Sequence[Row]) -> str:
    failures = [result for row in rows for result in row.unfinished]
    if not failures:
        return ""
    failures.sort(key=lambda run: [column.cell(run) for column in FAILURES])
    return f"## Runs without a result\n\n{_table(FAILURES, failures)}"


def _commands(rows: Sequence[Row]) -> str:
    ordered = sorted(rows, key=lambda row: (row.method, row.recipe))
    # Rows of two searches may share a command.
    lines = dict.fromkeys(line for row in ordered for line in commands(row))
    return "```\n" + "\n".join(lines) + "\n```\n"


def _published(table: Table) -> str:
    published = table.published
    if not published.figures:
        return ""
    sources = "".join(
        f"{number}. {escape(source.citation)}. <{source.url}> {escape(source.note)}\n"
        for number, source in enumerate(numbered_sources(published), start=1)
    )
    intro = (
        "Other protocols, networks and reporting rules: beside this table for orientation, "
        "in order of name, and never ranked with it.\n"
    )
    figures = _table(PUBLISHED, cited_figures(published))
    return f"## Published figures\n\n{intro}\n{figures}\nSources:\n\n{sources}"


def _table(columns: Sequence[Column[Of]], rows: Sequence[Of]) -> str:
    columns = with_values(columns, rows)
    return grid([column.long or column.head for column in columns], _cells(columns, rows))


def _cells(columns: Sequence[Column[Of]], rows: Sequence[Of]) -> Iterator[list[str]]:
    for row in rows:
        # Figures are not foreign text.
        yield [col.cell(row) if col.numeric else escape(col.cell(row)) for col in columns]


def grid(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A Markdown table of cells that are Markdown already."""
    rule = ["---"] * len(header)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (header, rule, *lines))
