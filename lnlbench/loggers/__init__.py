"""Loggers that `lnlbench run --log NAME` adds to the plugins that observe runs."""

from typing import TYPE_CHECKING

from lnlbench.errors import unknown_name

if TYPE_CHECKING:
    from lnlbench.loggers.tensorboard import TensorBoardLogger

NAMES = ("tensorboard",)


def make_logger(name: str) -> "TensorBoardLogger":
    """A logger by name, an object that implements the observing hooks.

    Raises:
        UsageError: there is no such logger, or a package that it needs is not installed.
    """
    if name not in NAMES:
        raise unknown_name(
            "logger",
            name,
            NAMES,
            "Plugins that observe runs need no --log; they observe every run.",
        )
    from lnlbench.loggers.tensorboard import TensorBoardLogger

    return TensorBoardLogger()
