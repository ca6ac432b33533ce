"""Values as text: percent, durations, and text from users, which must not break a table."""

import html
import re
import unicodedata
from collections.abc import Sequence

from lnlbench.results.tuning import Tuning
from lnlbench.system import text as system_text

MISSING = "–"


def plain(text: str) -> str:
    """The text on one line, without control, format and unassigned characters."""
    kept = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    return " ".join(kept.split())


def escape(text: str) -> str:
    """The text as literal Markdown: markup, HTML and column separators in it have no effect."""
    safe = html.escape(plain(text), quote=False)
    # As entities: parsers disagree on what a backslash before a column separator means.
    safe = safe.replace("\\", "&bsol;").replace("|", "&vert;")
    return re.sub(r"([`*_{}\[\]#~!])", r"\\\1", safe)


def percent(fraction: float | None) -> str:
    """A fraction as percent with two decimals."""
    return MISSING if fraction is None else f"{100 * fraction:.2f}"


def spread(mean: float | None, std: float | None) -> str:
    """A fraction as percent, with its standard deviation if there is one."""
    return percent(mean) if std is None else f"{percent(mean)} ± {percent(std)}"


def parenthesized(fraction: float | None) -> str:
    """A fraction as percent in parentheses: readers must conclude nothing from it."""
    return MISSING if fraction is None else f"({percent(fraction)})"


def number(value: float | None, digits: int = 3) -> str:
    """A number with a fixed count of decimals."""
    return MISSING if value is None else f"{value:.{digits}f}"


def duration(seconds: float | None) -> str:
    """Seconds in a unit that suits them."""
    return MISSING if seconds is None else system_text.duration(seconds)


def p_value(value: float | None) -> str:
    """A p value with three decimals."""
    return "< 0.001" if value is not None and value < 0.001 else number(value)


def seeds(finished: Sequence[int]) -> str:
    """The number of seeds, and the seeds themselves unless they are 0, 1, 2, …."""
    if list(finished) == list(range(len(finished))):
        return str(len(finished))
    return f"{len(finished)} ({', '.join(map(str, finished))})"


def wrong_labels(rate: float | None) -> str:
    """The share of wrong labels in words."""
    known = f"{percent(rate)} % wrong"
    return "share of wrong labels unknown" if rate is None else known


def describe_search(tuning: Tuning) -> str:
    """The trials and the time that a search took to find a recipe."""
    trials = "1 trial" if tuning.trials == 1 else f"{tuning.trials} trials"
    return f"{trials}, {duration(tuning.wall_seconds)}"


def memory(size: float | None) -> str:
    """Bytes as GiB."""
    return MISSING if size is None else f"{size / 2**30:.2f} GiB"
