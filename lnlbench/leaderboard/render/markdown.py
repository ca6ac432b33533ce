"""Tables as Markdown pages: what was measured, the rows, what may be claimed, how to repeat it."""

import json
from collections.abc import Iterable, Sequence

from lnlbench.leaderboard import text
from lnlbench.leaderboard.facts import command, table_facts
from lnlbench.leaderboard.row import Row
from lnlbench.leaderboard.table import Table
from lnlbench.leaderboard.text import escape
from lnlbench.results.schema import OFF_TRACK
from lnlbench.results.statistics import MIN_COMMON_SEEDS

MARKER = "<!-- Made by `lnlbench leaderboard` from the files in results/: do not edit. -->"

_RANKING = [
    "rank",
    "method",
    "recipe",
    "seeds",
    "last 10 (ranked)",
    "95 % interval",
    "p vs best",
    "note",
    "last",
    "selected",
    "best (test-selected, not ranked)",
    "single network",
    "networks",
    "oracle",
    "runs",
]
_DIAGNOSTICS = [
    "method",
    "recipe",
    "label precision",
    "label recall",
    "label F1",
    "AUROC",
    "memorization",
    "ECE",
    "NLL",
    "time",
    "× CE",
    "peak memory",
    "hardware",
    "from",
]
_LEGEND = f"""\
Accuracies are test accuracies in percent, mean ± standard deviation over seeds. **last 10** is
the mean over the last 10 epochs (below 100 epochs: the last tenth, at least one) and alone
decides the rank; **selected** is the epoch chosen on a noisy validation split; **best** was
chosen on the test set and is in parentheses because it ranks nothing. **p ≥ 0.05** marks a row
that a paired t-test over common seeds, Holm-corrected, does not tell from the best row: it may
be as good, or its seeds differ too much to say. With fewer than {MIN_COMMON_SEEDS} common seeds
there is no claim. An **oracle** row was told something that a real user does not know, and is
not ranked. **memorization** is the accuracy on wrong training labels (lower is better). **× CE**
is the time as a multiple of plain cross-entropy's on the same hardware.
"""


def markdown_page(table: Table) -> str:
    """A track's page; the same results give the same bytes in whatever order they are read."""
    sections = [
        f"{MARKER}\n\n# {escape(str(table.protocol.get('title', table.track)))}\n",
        _header(table),
        _ranking(table.rows),
        _LEGEND,
        "## Label selection, calibration, cost\n",
        _diagnostics(table.rows),
        _failures(table.rows),
        "## Reproduce\n",
        _commands(table.rows),
        _published(table),
    ]
    return "\n".join(section for section in sections if section)


def off_track_page(rows: Sequence[Row]) -> str:
    """The page of results that override their track, with what they override."""
    header = ["track", "overrides", "method", "recipe", "seeds", "last 10", "last"]
    header += ["time", "hardware", "note", "runs"]
    lines = [
        [
            escape(row.track),
            escape(json.dumps(row.overrides, sort_keys=True, ensure_ascii=False)),
            escape(text.name(row)),
            escape(row.recipe),
            text.seeds(row),
            text.accuracy(row),
            text.percent(row.scores["test_accuracy_last"]),
            text.duration(row.wall_seconds),
            escape("; ".join(row.hardware)),
            escape(row.note),
            row.status,
        ]
        for row in rows
    ]
    intro = (
        "Runs that changed something of their track. They are comparable neither with the "
        "track's table nor with each other, so there are no ranks.\n"
    )
    sections = [f"{MARKER}\n\n# {OFF_TRACK}\n", intro, grid(header, lines), _failures(rows)]
    return "\n".join(section for section in sections if section)


def _header(table: Table) -> str:
    facts = table_facts(table)
    return "".join(f"- **{key}:** {escape(value)}\n" for key, value in facts.items())


def _ranking(rows: Sequence[Row]) -> str:
    return grid(
        _RANKING,
        (
            [
                text.MISSING if row.rank is None else str(row.rank),
                escape(text.name(row)),
                escape(row.recipe),
                text.seeds(row),
                text.accuracy(row),
                text.interval(row),
                text.p_value(row),
                escape(row.note),
                text.percent(row.scores["test_accuracy_last"]),
                text.percent(row.scores["test_accuracy_selected"]),
                f"({text.percent(row.scores['test_accuracy_best'])})",
                text.percent(row.scores["test_accuracy_last10_single"]),
                str(row.networks),
                escape(", ".join(row.oracle)),
                row.status,
            ]
            for row in rows
        ),
    )


def _diagnostics(rows: Sequence[Row]) -> str:
    shares = ("label_precision", "label_recall", "label_f1")
    return grid(
        _DIAGNOSTICS,
        (
            [
                escape(text.name(row)),
                escape(row.recipe),
                *(text.percent(row.scores[score]) for score in shares),
                text.number(row.scores["clean_auroc"]),
                text.percent(row.scores["memorization"]),
                text.number(row.scores["ece"]),
                text.number(row.scores["nll"]),
                text.duration(row.wall_seconds),
                text.number(row.times_ce, 2),
                text.memory(row.peak_memory_bytes),
                escape("; ".join(row.hardware)),
                escape("; ".join(row.distributions)),
            ]
            for row in rows
        ),
    )


def _failures(rows: Sequence[Row]) -> str:
    lines = [
        [
            escape(row.method),
            escape(row.recipe),
            str(result.seed),
            result.status,
            escape((result.error or "")[:200]),
        ]
        for row in rows
        for result in row.unfinished
    ]
    if not lines:
        return ""
    header = ["method", "recipe", "seed", "status", "error"]
    return f"## Runs without a result\n\n{grid(header, sorted(lines))}"


def _commands(rows: Sequence[Row]) -> str:
    commands = [command(row) for row in sorted(rows, key=lambda row: (row.method, row.recipe))]
    # Rows that differ only in parameters share a command.
    return "```\n" + "\n".join(dict.fromkeys(commands)) + "\n```\n"


def _published(table: Table) -> str:
    published = table.published
    if not published.figures:
        return ""
    header = ["method", "accuracy", "reporting rule", "network", "seeds", "source"]
    numbers = {name: str(i) for i, name in enumerate(sorted(published.sources), start=1)}
    lines = [
        [
            escape(figure.method),
            text.published_accuracy(figure),
            figure.rule,
            escape(figure.backbone),
            str(published.sources[figure.source].seeds),
            f"[{numbers[figure.source]}]",
        ]
        for figure in published.figures
    ]
    sources = "".join(
        f"{number}. {escape(published.sources[name].citation)}. "
        f"<{published.sources[name].url}> {escape(published.sources[name].note)}\n"
        for name, number in numbers.items()
    )
    intro = (
        "Other protocols, networks and reporting rules: beside this table for orientation, "
        "in order of name, and never ranked with it.\n"
    )
    return f"## Published figures\n\n{intro}\n{grid(header, lines)}\nSources:\n\n{sources}"


def grid(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A Markdown table of cells that are Markdown already."""
    rule = ["---"] * len(header)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (header, rule, *lines))
