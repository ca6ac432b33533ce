"""The axes of many runs as a user writes them: methods, seeds, and several values of a setting."""

from collections.abc import Iterable
from typing import Any

from lnlbench.errors import UsageError, shown

_MOST_SEEDS = 10_000

_EXAMPLES = {"--override": "epochs=10,20", "--set": "lambda_u=0,25", "--set-data": "root=DIR"}


def split_names(names: Iterable[str]) -> list[str]:
    """Each name once, in order; one text may hold several names, such as a,b,c."""
    parts = [part.strip() for each in names for part in each.split(",")]
    return list(dict.fromkeys(filter(None, parts)))


def parse_seeds(text: str) -> list[int]:
    """The seeds of `N` (0..N-1), of a range `0-4`, or of a list `0,2,7`.

    Raises:
        UsageError: the text has another form.
    """
    try:
        if "," in text:
            numbers = [int(part) for part in text.split(",")[: _MOST_SEEDS + 1]]
        elif "-" in text:
            first, last = text.split("-")
            numbers = list(range(int(first), int(last) + 1)[: _MOST_SEEDS + 1])
        else:
            numbers = list(range(int(text))[: _MOST_SEEDS + 1])
    except (ValueError, OverflowError):
        numbers = []
    if len(numbers) > _MOST_SEEDS:
        raise UsageError(f"--seeds names more than {_MOST_SEEDS:,} seeds. Give fewer.")
    if not numbers or not 0 <= min(numbers) <= max(numbers) < 1 << 63:
        raise UsageError(
            f"--seeds was given {shown(text)}. Give a number N for 0..N-1, a range such as 0-4 "
            "(0-0 is seed 0 alone), or a list such as 0,2,7."
        )
    return list(dict.fromkeys(numbers))


def parse_values(option: str, assignments: list[str]) -> dict[str, list[Any]]:
    """Read `key=v1,v2` settings; a value that parses as JSON is JSON, any other is text.

    A list is one value in brackets: `key=[1,2]` has one, `key=1,2` two.

    Raises:
        UsageError: an assignment has no `=`, no key or no value, or its key was given twice.
    """
    axes: dict[str, list[Any]] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        key = key.strip().replace("-", "_")
        if not equals or not key or not text.strip():
            raise UsageError(
                f"{option} takes key=value or key=value,value, not {shown(assignment)}. "
                f"Example: {option} {_EXAMPLES[option]}"
            )
        if key in axes:
            raise UsageError(
                f"{option} gives {shown(key)} twice: {shown(axes[key])} and {shown(text)}. "
                "Give it once, with commas between its values."
            )
        axes[key] = _values(text, f"{option} {key}")
    return axes


def _values(text: str, where: str) -> list[Any]:
    # Imported here: `lnlbench --help` must not wait for pydantic.
    from lnlbench.interface.params import parse_value

    values = parse_value(f"[{text}]", where)
    if isinstance(values, list):
        return values
    return [parse_value(part.strip(), where) for part in text.split(",")]
