"""The ranges to search: those that a method's parameters declare, and those that a user gives."""

from typing import Any

from lnlbench.errors import UsageError, shown
from lnlbench.interface.declared import Declared
from lnlbench.interface.params import SearchRange, search_ranges, validate_params

Ranges = dict[str, SearchRange]

_LONGEST_NUMBER = 100


def search_space(
    method: Declared, fixed: dict[str, Any], given: list[str], base: dict[str, Any]
) -> Ranges:
    """The ranges of a search: the declared ranges without `fixed` parameters, changed by `given`.

    A given `NAME=LOW..HIGH` adds or replaces a range. Bare names limit the search to these, and to
    the ranges that are given. `base` holds the parameters that stay the same in all trials.

    Raises:
        UsageError: a parameter is unknown, refuses an end of its range, or no range is left.
    """
    declared = search_ranges(method.Params)
    chosen = [text.strip().replace("-", "_") for text in given if "=" not in text]
    replaced: Ranges = {}
    for name, range_ in map(_parse, (text for text in given if "=" in text)):
        if name in replaced:
            raise UsageError(f"--search gives {name!r} two ranges. Give it one.")
        replaced[name] = range_
    for name in (*chosen, *replaced):
        if name in fixed:
            raise UsageError(f"--set fixes {name!r}, and --search searches it. Choose one.")
        if name not in method.Params.model_fields:
            validate_params(
                method.name, method.Params, {name: None}
            )  # its error names the nearest name
        if name not in declared and name not in replaced:
            raise UsageError(
                f"Parameter {name!r} of method {method.name!r} declares no range. Give one: "
                f"--search {name}=LOW..HIGH"
            )
    kept = chosen or declared
    ranges = {name: declared[name] for name in kept if name not in fixed} | replaced
    if not ranges:
        raise UsageError(
            f"Nothing to search: no parameter of method {method.name!r} declares a range that "
            f"--set leaves open. Give one: --search NAME=LOW..HIGH. 'lnlbench methods show "
            f"{method.name}' lists the parameters."
        )
    for name, span in ranges.items():
        for end in (span.low, span.high):
            validate_params(method.name, method.Params, {**base, name: end})
    return ranges


def _parse(text: str) -> tuple[str, SearchRange]:
    name, _, span = text.partition("=")
    ends, colon, scale = span.partition(":")
    low, dots, high = ends.partition("..")
    if not (dots and low and high):
        raise _unreadable(text, "it does not have two ends")
    if colon and scale != "log":
        raise _unreadable(text, f"only :log may follow the range, not :{scale}")
    try:
        found = SearchRange(_number(low), _number(high), bool(colon))
    except ValueError as error:
        raise _unreadable(text, str(error)) from error
    return name.strip().replace("-", "_"), found


def _number(text: str) -> float:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError(f"a number of {len(text):,} letters")
    try:
        return int(text)
    except ValueError:
        return float(text)


def _unreadable(text: str, why: str) -> UsageError:
    return UsageError(
        f"--search was given {shown(text)}: {why[:100]}. Give NAME=LOW..HIGH, such as "
        "lambda_u=0..150 or temperature=0.1..1.0:log. If both ends are whole numbers, "
        "all tried values are."
    )
