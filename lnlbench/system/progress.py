"""Show how far work is: a bar with the time left on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.progress import ProgressColumn, TaskID

_STEPS = 10
_STEP_BYTES = 10 * 2**20  # between two lines on a file whose size is unknown


class Progress(Protocol):
    """The function that hears of each piece of work."""

    def __call__(self, title: str, done: int, total: int | None) -> None:
        """`done` of `total` units of the work with this title are done; the total may be None."""


@contextmanager
def shown_progress(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """A display on standard error; call the function with the number of images that are done."""
    with _shown(PlainLines(_images_of)) as show:
        yield lambda done: show(title, done, total)


@contextmanager
def silent_progress(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """The same without a display."""
    yield lambda done: None


@contextmanager
def shown_downloads() -> Iterator[Progress]:
    """A display on standard error of files that arrive, in bytes."""
    with _shown(PlainLines(megabytes_of), in_bytes=True) as show:
        yield show


@contextmanager
def _shown(lines: "PlainLines", in_bytes: bool = False) -> Iterator[Progress]:
    if not sys.stderr.isatty():
        yield lines
        return
    from rich.progress import Progress as Bars

    from lnlbench.system.console import Console

    with Bars(*_columns(in_bytes), console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def show(title: str, done: int, total: int | None) -> None:
            if title not in tasks:
                tasks[title] = bars.add_task(title, total=total)
            bars.update(tasks[title], completed=done, total=total)

        yield show


def _columns(in_bytes: bool) -> "list[ProgressColumn]":
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    counts = [DownloadColumn(), TransferSpeedColumn()] if in_bytes else [MofNCompleteColumn()]
    title = TextColumn("{task.description}", markup=False)
    return [title, BarColumn(), TaskProgressColumn(), *counts, TimeRemainingColumn()]


@dataclass
class _Work:
    """What the last line said of a piece of work, and where and when it began."""

    step: int
    first: int
    began: float


class PlainLines:
    """One line at the start of each piece of work and one for each tenth, for logs."""

    def __init__(self, describe: Callable[[int, int | None], str]) -> None:
        self._describe = describe
        self._works: dict[str, _Work] = {}

    def __call__(self, title: str, done: int, total: int | None) -> None:
        """Write a line when a further tenth is done."""
        step = done * _STEPS // total if total else done // _STEP_BYTES
        work = self._works.get(title)
        if work is not None and work.step == step:
            return
        if work is None:
            work = self._works[title] = _Work(step, done, time.monotonic())
        work.step = step
        left = ""
        if total and work.first < done < total:
            pace = (time.monotonic() - work.began) / (done - work.first)
            left = f", {pace * (total - done):.0f} s left"
        sys.stderr.write(f"{title}: {self._describe(done, total)}{left}\n")


def megabytes_of(done: int, total: int | None) -> str:
    """How much of a file has arrived, both in bytes."""
    return f"{done / 1e6:.1f}{f' of {total / 1e6:.1f}' if total else ''} MB"


def _images_of(done: int, total: int | None) -> str:
    return f"{done:,} of {total:,} images"
