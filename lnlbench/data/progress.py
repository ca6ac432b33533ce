"""Showing how far a download is: a bar on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

_STEPS = 10


class Progress(Protocol):
    """Told of each piece that arrived."""

    def __call__(self, name: str, done: int, total: int | None) -> None:
        """`done` of `total` bytes of the file `name` are here; the total may be unknown."""


@contextmanager
def shown_downloads() -> Iterator[Progress]:
    """A display on standard error for as long as the block runs."""
    if not sys.stderr.isatty():
        yield PlainProgress()
        return
    from rich.progress import DownloadColumn, TaskID, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    from lnlbench.system.console import Console

    columns = (*Bars.get_default_columns()[:2], DownloadColumn(), TransferSpeedColumn())
    with Bars(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def show(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done, total=total)

        yield show


class PlainProgress:
    """One line for each tenth of a file, for logs."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def __call__(self, name: str, done: int, total: int | None) -> None:
        """Write a line when a further tenth has arrived."""
        step = done * _STEPS // total if total else done // (10 << 20)
        if self._last.get(name) == step:
            return
        self._last[name] = step
        of = f" of {total / 1e6:.1f}" if total else ""
        sys.stderr.write(f"{name}: {done / 1e6:.1f}{of} MB\n")
