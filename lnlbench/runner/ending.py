"""How a failed or stopped run ended, and where in the method's code the reason is."""

import traceback
from pathlib import Path

from lnlbench.errors import BadAnswer, Diverged, Interrupted, LnlbenchError
from lnlbench.interface.method import Method
from lnlbench.runner.build_result import Status
from lnlbench.runner.directory import RunDirectory
from lnlbench.system.atomic import write_atomically
from lnlbench.system.text import printable


def ending(
    error: Exception, method: Method, directory: RunDirectory, stopped: bool
) -> tuple[Status, str]:
    """The status of a run that `error` ended, and the reason; writes unforeseen tracebacks.

    `stopped` says that a signal has asked the run to stop.
    """
    if isinstance(error, Interrupted):
        return "interrupted", str(error)
    if isinstance(error, Diverged):
        return "diverged", str(error)
    # An answer is asked for at the end of an epoch, and the line of the loop says nothing about it.
    place = "" if isinstance(error, BadAnswer) else place_in_method(error, method)
    if isinstance(error, LnlbenchError):
        # A signal to the whole process group may end the reading processes first.
        foreign = place and not type(method).__module__.startswith("lnlbench.")
        reason = f"{error} [{place}]" if foreign else str(error)
        return ("interrupted" if stopped else "failed"), reason
    text = "".join(traceback.format_exception(error))
    write_atomically(directory.error_file, text.encode())
    reason = f"{type(error).__name__}: {printable(error)}"
    reason = f"{reason} [{place}]" if place else reason
    return "failed", f"{reason} (traceback in {directory.error_file})"


def place_in_method(error: BaseException, method: Method) -> str:
    """The innermost line of the method's package that the error came through, or an empty text.

    For example "mine.py, line 12, in loss".
    """
    module = type(method).__module__
    package = module.rpartition(".")[0] or module
    place = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        name = str(frame.f_globals.get("__name__", ""))
        if name == package or name.startswith(f"{package}."):
            file = Path(frame.f_code.co_filename).name
            place = f"{file}, line {line}, in {frame.f_code.co_name}"
    return place
