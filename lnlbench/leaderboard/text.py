"""Numbers and foreign text as table cells: percent, durations, and nothing that breaks a table."""

import html
import re
import unicodedata
from typing import TYPE_CHECKING

from lnlbench.results.published import PublishedFigure
from lnlbench.results.tuning import Tuning

if TYPE_CHECKING:
    from lnlbench.leaderboard.row import Row

MISSING = "–"


def plain(text: str) -> str:
    """The text on one line, without control, format and unassigned characters."""
    kept = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    return " ".join(kept.split())


def escape(text: str) -> str:
    """The text as literal Markdown: no markup, HTML or column separator of its own works."""
    safe = html.escape(plain(text), quote=False)
    # As entities: parsers disagree on what a backslash before a column separator means.
    safe = safe.replace("\\", "&bsol;").replace("|", "&vert;")
    return re.sub(r"([`*_{}\[\]#~!])", r"\\\1", safe)


def percent(fraction: float | None) -> str:
    """A fraction as percent with two decimals."""
    return MISSING if fraction is None else f"{100 * fraction:.2f}"


def accuracy(row: "Row") -> str:
    """The ranked accuracy in percent, with its standard deviation where there is one."""
    if row.accuracy is None or row.accuracy.std is None:
        return percent(row.accuracy.mean if row.accuracy else None)
    return f"{percent(row.accuracy.mean)} ± {percent(row.accuracy.std)}"


def published_accuracy(figure: PublishedFigure) -> str:
    """A published accuracy in percent, with its standard deviation where it was printed."""
    return percent(figure.mean) + (f" ± {percent(figure.std)}" if figure.std else "")


def interval(row: "Row") -> str:
    """The 95 % interval of the ranked accuracy, in percent."""
    if row.accuracy is None or row.accuracy.low is None:
        return MISSING
    return f"{percent(row.accuracy.low)} to {percent(row.accuracy.high)}"


def number(value: float | None, digits: int = 3) -> str:
    """A number with a fixed count of decimals."""
    return MISSING if value is None else f"{value:.{digits}f}"


def p_value(row: "Row") -> str:
    """The corrected p value against the best row."""
    value = row.comparison.p_value if row.comparison else None
    return "< 0.001" if value is not None and value < 0.001 else number(value)


def duration(seconds: float | None) -> str:
    """Seconds in the largest unit that leaves at least two of it."""
    if seconds is None:
        return MISSING
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


def describe_search(tuning: Tuning) -> str:
    """What it took to find a tuned recipe."""
    trials = "1 trial" if tuning.trials == 1 else f"{tuning.trials} trials"
    return f"{trials}, {duration(tuning.wall_seconds)}"


def memory(size: float | None) -> str:
    """Bytes as GiB."""
    return MISSING if size is None else f"{size / 2**30:.2f} GiB"


def seeds(row: "Row") -> str:
    """How many seeds are finished, and which, unless they are 0, 1, 2, …."""
    finished = sorted(row.by_seed)
    if finished == list(range(len(finished))):
        return str(len(finished))
    return f"{len(finished)} ({', '.join(map(str, finished))})"


def name(row: "Row") -> str:
    """The method, with the parameters that tell it from a row of the same name."""
    if not row.distinct_params:
        return row.method
    return f"{row.method} ({', '.join(f'{k}={v}' for k, v in row.distinct_params.items())})"
