"""Tables as Markdown pages: what was measured, the rows, how to read them, how to repeat them."""

from collections.abc import Iterable, Iterator, Sequence

from lnlbench.leaderboard.columns.column import Column, Of, with_values
from lnlbench.leaderboard.columns.details import FAILURES
from lnlbench.leaderboard.columns.detection import FOUND
from lnlbench.leaderboard.columns.layouts import (
    MARKDOWN_MEASURES,
    MARKDOWN_OFF_TRACK,
    MARKDOWN_RANKING,
)
from lnlbench.leaderboard.columns.published import PUBLISHED, cited_figures, numbered_sources
from lnlbench.leaderboard.detection import found_labels
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
the mean over the last 10 epochs; a run of fewer than 100 epochs counts its last tenth, at least one
epoch. Only this score decides the rank. **selected** is the accuracy of the epoch that was chosen
on a noisy validation split. **best** is in parentheses, because its epoch was chosen on the test
set: it never decides a rank. **p ≥ 0.05** marks a row for which a paired t-test over common seeds,
Holm-corrected, finds no significant difference from the best row: the row may be as good, or its
seeds may differ too much to say. With fewer than {MIN_COMMON_SEEDS} common seeds the table makes no
claim. The method of an **oracle** row got something that a real user does not know, so the row has
no rank. **memorization** is the share of the wrong training labels that the network predicts;
lower is better. **× CE** is the time divided by the time of plain cross-entropy on the same
hardware: on a CPU the processor time, which older results lack, and elsewhere the elapsed time. In
the same way, **steps × CE** compares the optimizer steps of an epoch, and **passes × CE** compares
how many samples pass through networks with gradients in an epoch.
**seeds from different code** marks a row whose method changed between its runs, so the seeds alone
do not explain the spread.
"""

_FOUND_LEGEND = """\
How well the rows find the wrong labels of the training set, means over seeds. **In sample**: the
model learned the labels that it judges, as in every run of a method. **Out of sample**: it never
saw them, as in `lnlbench audit`. The samples are sorted by clean probability or suspicion, or by
the loss on at most 5,000 of them. **F1 of the flagged** is that of the labels that the row holds
for wrong: those below the method's threshold, or those that differ from the prediction.
**estimated noise rate** is the mean of the probability that a label is wrong. The **time** of an
audit is the CPU time of its judges. A dash stands for what the results do not hold, and the true
noise rate stands at the top of this page. An **oracle** got something that a real user does not
know.
"""


def markdown_page(table: Table) -> str:
    """The page of a track; the order in which results were read does not change a byte."""
    sections = [
        f"{MARKER}\n\n# {escape(table.title)}\n",
        _header(table),
        _table(MARKDOWN_RANKING, table.rows),
        _LEGEND,
        "## Label selection, calibration, cost\n",
        _table(MARKDOWN_MEASURES, table.rows),
        _wrong_labels(table),
        _failures(table.rows),
        "## Reproduce\n",
        _commands(table.rows),
        _published(table),
    ]
    return "\n".join(section for section in sections if section)


def off_track_page(rows: Sequence[Row]) -> str:
    """The page of results that override their track, with what they override."""
    intro = (
        "These runs changed something in their track. They are comparable neither with the "
        "track's table nor with each other, so they have no ranks.\n"
    )
    table = _table(MARKDOWN_OFF_TRACK, rows)
    sections = [f"{MARKER}\n\n# {OFF_TRACK}\n", intro, table, _failures(rows)]
    return "\n".join(section for section in sections if section)


def _header(table: Table) -> str:
    facts = table_facts(table)
    return "".join(f"- **{key}:** {escape(value)}\n" for key, value in facts.items())


def _wrong_labels(table: Table) -> str:
    found = found_labels(table)
    if not found:
        return ""
    return f"## Wrong labels found\n\n{_FOUND_LEGEND}\n{_table(FOUND, found)}"


def _failures(rows: Sequence[Row]) -> str:
    failures = [result for row in rows for result in row.unfinished]
    if not failures:
        return ""
    failures.sort(key=lambda run: [column.cell(run) for column in FAILURES])
    return f"## Runs without a result\n\n{_table(FAILURES, failures)}"


def _commands(rows: Sequence[Row]) -> str:
    ordered = sorted(rows, key=lambda row: (row.method, row.recipe))
    # The rows of two searches may have the same command.
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
        "These figures come from other protocols, networks and reporting rules. They stand beside "
        "the table for orientation, in order of name, and are never ranked with it.\n"
    )
    figures = _table(PUBLISHED, cited_figures(published))
    return f"## Published figures\n\n{intro}\n{figures}\nSources:\n\n{sources}"


def _table(columns: Sequence[Column[Of]], rows: Sequence[Of]) -> str:
    columns = with_values(columns, rows)
    return grid([column.long or column.head for column in columns], _cells(columns, rows))


def _cells(columns: Sequence[Column[Of]], rows: Sequence[Of]) -> Iterator[list[str]]:
    for row in rows:
        # Figures come from this package, so they need no escaping.
        yield [col.cell(row) if col.numeric else escape(col.cell(row)) for col in columns]


def grid(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A Markdown table of cells that already are Markdown."""
    rule = ["---"] * len(header)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (header, rule, *lines))
