"""Run a plugin's code so that any exception becomes the reason to refuse the plugin."""

import importlib
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import pluggy

from lnlbench.errors import first_problem

_PYDANTIC = find_spec("pydantic")  # found without the time that its import takes

# Frames in these belong to the machinery that calls a plugin or that a plugin calls.
_MACHINERY = (
    "<frozen",
    str(Path(importlib.__file__).parent),
    str(Path(pluggy.__file__).parent),
    str(Path(__file__).parent.parent) + os.sep,
    *(_PYDANTIC.submodule_search_locations or () if _PYDANTIC else ()),
)
_T = TypeVar("_T")


class PluginRefused(Exception):
    """lnlbench does not use a plugin, or something that it provides; the message is the reason."""


def describe_exception(error: BaseException) -> str:
    """The type, the message and, where the plugin's own code raised it, the file and line."""
    try:
        message = _message(error)
    except Exception as broken:  # a foreign __str__ may fail as well
        message = f"its message raised {type(broken).__name__}"
    place = ""
    for frame in traceback.extract_tb(error.__traceback__):
        if not frame.filename.startswith(_MACHINERY):
            place = f" ({Path(frame.filename).name}, line {frame.lineno})"
    return f"{type(error).__name__}: {message}{place}"


def _message(error: BaseException) -> str:
    if type(error).__module__.startswith("pydantic"):  # so its import takes no more time
        from pydantic import ValidationError

        if isinstance(error, ValidationError):
            return f"{error.title}: {first_problem(error)}"
    return str(error)


def attempt(action: str, call: Callable[[], _T]) -> _T:
    """Run a plugin's code; what it prints goes to stderr, so that stdout stays valid JSON.

    Raises:
        PluginRefused: the code raised anything but KeyboardInterrupt, SystemExit included.
    """
    try:
        with redirect_stdout(sys.stderr):
            return call()
    except (KeyboardInterrupt, PluginRefused):
        raise
    except BaseException as error:
        raise PluginRefused(f"{action} raised {describe_exception(error)}") from error
