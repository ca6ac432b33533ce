"""JSON and TOML of foreign origin: bounded in size, in depth and in its numbers."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

MAX_BYTES = 32 << 20
MAX_DEPTH = 64
_MAX_DIGITS = 300  # as many as the largest floating-point number has, about
_KEY = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')"""
_DEEP_KEY = re.compile(rf"{_KEY}(?:\s*\.\s*{_KEY}){{{MAX_DEPTH}}}")


class Unbounded(ValueError):
    """A document is larger or deeper, or a number longer, than any that is meant; says which."""


def read_text(path: Path) -> str:
    """The text of a document's file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is too large, or not UTF-8.
    """
    with path.open("rb") as file:  # it may be a pipe, whose size is not known
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise Unbounded(f"it is larger than {MAX_BYTES >> 20} MB")
    return data.decode("utf-8")


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text.

    Raises:
        Unbounded: it is nested too deep, or has a number of too many digits.
        ValueError: it is not JSON.
    """
    try:
        value = json.loads(text, parse_int=_whole_number)
    except RecursionError:
        raise _too_deep() from None
    _check(value)
    return value


def parse_toml(text: str) -> dict[str, Any]:
    """The value of a TOML text.

    Raises:
        Unbounded: it is nested too deep, or has a number of too many digits.
        ValueError: it is not TOML.
    """
    if _DEEP_KEY.search(text):
        raise _too_deep()
    try:
        value = tomllib.loads(text)
    except RecursionError:
        raise _too_deep() from None
    _check(value)
    return value


def _whole_number(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise Unbounded(f"it has a number of {len(digits):,} digits")
    return int(digits)


def _check(value: Any) -> None:
    layer, depth = [value], 0
    while layer:
        if depth > MAX_DEPTH:
            raise _too_deep()
        below: list[Any] = []
        for each in layer:
            if isinstance(each, dict):
                below += each.values()
            elif isinstance(each, list):
                below += each
            elif isinstance(each, int) and each.bit_length() > 1000:
                raise Unbounded(f"it has a number of more than {_MAX_DIGITS} digits")
        layer, depth = below, depth + 1


def _too_deep() -> Unbounded:
    return Unbounded(f"it is nested more than {MAX_DEPTH} deep")
