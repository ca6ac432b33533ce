"""Showing how far a pass over images is: a bar with an ETA on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_STEPS = 10


@contextmanager
def shown_progress(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """A display on standard error; the function is told the number of images that are done."""
    if not sys.stderr.isatty():
        yield _PlainLines(title, total)
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    from lnlbench.system.console import Console

    columns = (BarColumn(), TaskProgressColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    text = TextColumn("{task.description}", markup=False)
    with Progress(text, *columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(title, total=total)
        yield lambda done: bars.update(task, completed=done)


class _PlainLines:
    """One line at the start and one for each tenth, for logs."""

    def __init__(self, title: str, total: int) -> None:
        self._title, self._total = title, total
        self._step: int | None = None
        self._began = time.monotonic()
        self._first = 0

    def __call__(self, done: int) -> None:
        """Write a line when a further tenth is done."""
        step = done * _STEPS // self._total
        if step == self._step:
            return
        if self._step is None:
            self._first = done
        self._step = step
        fresh = done - self._first
        eta = ""
        if fresh:
            seconds = (time.monotonic() - self._began) / fresh * (self._total - done)
            eta = f", {seconds:.0f} s left"
        sys.stderr.write(f"{self._title}: {done:,} of {self._total:,} images{eta}\n")
