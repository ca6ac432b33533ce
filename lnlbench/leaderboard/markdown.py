"""Tables as Markdown pages: what was measured, the rows, what may be claimed, how to repeat it."""

import json
from collections.abc import Iterable, Sequence

from lnlbench.leaderboard import text
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
Accuracies are test accuracies in percent, mean ± standard deviation over seeds. **last 10** is the
mean over the last 10 epochs (below 100 epochs: the last tenth, at least one) and alone decides the
rank; **selected** is the epoch chosen on a noisy validation split; **best** was chosen on the test
set and is in parentheses because it ranks nothing. **≈ best** marks a row that a paired t-test over
common seeds, Holm-corrected, does not tell from the best row (p ≥ 0.05); with fewer than
{MIN_COMMON_SEEDS} common seeds there is no claim. An **oracle** row was told something that a real
user does not know, and is not ranked. **memorization** is the accuracy on wrong training labels
(lower is better). **× CE** is the time as a multiple of plain cross-entropy's on the same hardware.
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
    sections = [f"{MARKER}\n\n# {OFF_TRACK}\n", intro, _grid(header, lines), _failures(rows)]
    return "\n".join(section for section in sections if section)


def _header(table: Table) -> str:
    protocol, data = table.protocol, table.data
    seeds = sorted({seed for row in table.rows for seed in row.by_seed})
    hardware = sorted({name for row in table.rows for name in row.hardware})
    # The precision that was used: the protocol may leave the choice to the device.
    precision = sorted({name for row in table.rows for name in row.precision})
    facts = {
        "Track": table.track,
        "Data": f"{data.dataset}, {data.num_train} training and {data.num_test} test images, "
        f"{data.num_classes} classes",
        "Noise": f"{data.noise}, {text.percent(data.noise_rate)} % of the training labels wrong",
        "Network": protocol.get("backbone", "not stated"),
        "Epochs": f"{protocol.get('epochs', 'not stated')} "
        "(recipe matched; a native recipe brings its paper's own schedule)",
        "Seeds": ", ".join(map(str, seeds)) or "none finished",
        "Ranked by": "test_accuracy_last10, averaged over seeds; the best test epoch ranks nothing",
        "Hardware": "; ".join(hardware) or "not stated",
        "Precision": "; ".join(precision) or "not stated",
    }
    return "".join(f"- **{key}:** {escape(str(value))}\n" for key, value in facts.items())


def _ranking(rows: Sequence[Row]) -> str:
    return _grid(
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
    return _grid(
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
    return f"## Runs without a result\n\n{_grid(header, sorted(lines))}"


def _commands(rows: Sequence[Row]) -> str:
    blocks = []
    for row in sorted(rows, key=lambda row: (row.method, row.recipe)):
        seeds = sorted(row.by_seed) or sorted(result.seed for result in row.unfinished)
        command = f"lnlbench run --track {row.track} --method {row.method}"
        if row.recipe != "matched":
            command += f" --recipe {row.recipe}"
        blocks.append(f"{command} {_seed_option(seeds)}")
    # Rows that differ only in parameters share a command.
    return "```\n" + "\n".join(dict.fromkeys(blocks)) + "\n```\n"


def _seed_option(seeds: Sequence[int]) -> str:
    if list(seeds) == list(range(len(seeds))):
        return f"--seeds {len(seeds)}"
    # A lone number after --seeds would be a count.
    return f"--seed {seeds[0]}" if len(seeds) == 1 else f"--seeds {','.join(map(str, seeds))}"


def _published(table: Table) -> str:
    published = table.published
    if not published.figures:
        return ""
    header = ["method", "accuracy", "reporting rule", "network", "seeds", "source"]
    numbers = {name: str(i) for i, name in enumerate(sorted(published.sources), start=1)}
    lines = [
        [
            escape(figure.method),
            text.percent(figure.mean) + (f" ± {text.percent(figure.std)}" if figure.std else ""),
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
    return f"## Published figures\n\n{intro}\n{_grid(header, lines)}\nSources:\n\n{sources}"


def _grid(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rule = ["---"] * len(header)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (header, rule, *lines))
