"""The axes of many runs as a user writes them: methods, seeds, and several values of a setting."""

import json
from collections.abc import Iterable
from typing import Any

from lnlbench.errors import UsageError

_EXAMPLES = {"--override": "epochs=10,20", "--set": "lambda_u=0,25", "--set-data": "root=DIR"}


def split_names(names: Iterable[str]) -> list[str]:
    """Each name once, in order; one text may hold several, as a,b,c."""
    parts = [part.strip() for each in names for part in each.split(",")]
    return list(dict.fromkeys(filter(None, parts)))


def parse_seeds(text: str) -> list[int]:
    """The seeds of `N` (0..N-1), of a range `0-4`, or of a list `0,2,7`.

    Raises:
        UsageError: the text is none of these.
    """
    try:
        if "," in text:
            numbers = [int(part) for part in text.split(",")]
        elif "-" in text:
            first, last = text.split("-")
            numbers = list(range(int(first), int(last) + 1))
        else:
            numbers = list(range(int(text)))
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 0:
        raise UsageError(
            f"--seeds was given {text!r}. Give a number N for 0..N-1, a range such as 0-4 "
            "(0-0 is seed 0 alone), or a list such as 0,2,7."
        )
    return list(dict.fromkeys(numbers))


def parse_values(option: str, assignments: list[str]) -> dict[str, list[Any]]:
    """Read `key=v1,v2` settings; values are JSON where they parse as JSON, else texts.

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
                f"{option} takes key=value or key=value,value, not {assignment!r}. "
                f"Example: {option} {_EXAMPLES[option]}"
            )
        if key in axes:
            raise UsageError(
                f"{option} gives {key!r} twice: {axes[key]!r} and {text!r}. Give it once, with "
                "commas between its values."
            )
        axes[key] = _values(text)
    return axes


def _values(text: str) -> list[Any]:
    try:
        values: list[Any] = json.loads(f"[{text}]")
    except json.JSONDecodeError:
        return [_value(part.strip()) for part in text.split(",")]
    return values


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
