"""Errors for users: what is wrong, what was given, what is allowed, and what to do next."""

import difflib
import reprlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_HELD = 3
_LONGEST_NAME = 100
_LONGEST_PROBLEM = 500


class LnlbenchError(Exception):
    """An error that prints only its message, without a traceback."""

    exit_code = EXIT_FAILED


class UsageError(LnlbenchError):
    """The request itself cannot be served: a wrong name, value, file or combination."""

    exit_code = EXIT_USAGE


class HeldError(UsageError):
    """Another process executes the run and will write its result."""

    exit_code = EXIT_HELD


class DataError(UsageError):
    """A data file is missing, truncated, hostile, or not the file it claims to be."""


class RunError(LnlbenchError):
    """A run was started and could not be finished."""


class BadAnswer(RunError):
    """A method answered lnlbench with something unusable; the message names the function."""


class Diverged(RunError):
    """A loss became infinite or NaN."""


class Interrupted(RunError):
    """The run was asked to stop (SIGINT or SIGTERM)."""


def installing(distribution: str) -> str:
    """How to install a plugin of lnlbench's own repository: no package index has it."""
    return f"pip install -e plugins/{distribution} in a checkout of lnlbench's repository"


_brief = reprlib.Repr()
_brief.maxstring = _brief.maxother = _brief.maxlong = 80
_brief.maxlevel = 3


def shown(value: object) -> str:
    """A foreign value as messages quote it: bounded, however long or deep the value is."""
    return _brief.repr(value)


def unknown_name(kind: str, given: str, allowed: Iterable[str], hint: str = "") -> UsageError:
    """The error for a name that does not exist; it suggests the nearest existing name."""
    names = sorted(allowed)
    folded = {name.casefold(): name for name in names}  # papers write GCE, and the name is gce
    near = difflib.get_close_matches(given[:_LONGEST_NAME].casefold(), folded, n=1, cutoff=0.5)
    guess = f" Did you mean {folded[near[0]]!r}?" if near else ""
    listing = f" Available: {', '.join(names)}." if names else ""
    return UsageError(f"Unknown {kind} {shown(given)}.{guess}{listing}{' ' + hint if hint else ''}")


def first_problem(error: "ValidationError", whole: str = "") -> str:
    """What a document's schema refused first, after its place (`whole` if it has no place)."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or whole
    return (f"{where}: {first['msg']}" if where else first["msg"])[:_LONGEST_PROBLEM]
