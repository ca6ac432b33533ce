"""Show a run: a live table on a terminal, plain lines elsewhere, or nothing at all."""

import time
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from rich.console import Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table

from lnlbench.interface.run import Run
from lnlbench.system.console import Console
from lnlbench.system.text import duration

REFRESH_SECONDS = 0.5
LINE_SECONDS = 60.0  # between two lines of a log, while an epoch is trained
SHOWN_EPOCHS = 12


@dataclass(frozen=True)
class EpochReport:
    """The figures at the end of an epoch; accuracies are fractions."""

    epoch: int
    max_epochs: int
    seconds: float
    images_per_second: float
    eta_seconds: float
    scalars: dict[str, float]
    scores: dict[str, float | None]


class Display(Protocol):
    """The interface of displays: the runner calls it as a run progresses."""

    def started(self, title: str, max_epochs: int, first_epoch: int) -> None:
        """A run begins or resumes at `first_epoch`."""

    def forecast(self, seconds: float, text: str) -> None:
        """The rest of the run should take this long, as `text` explains."""

    def step(self, run: Run, seconds: float) -> None:
        """A step is done, `seconds` after its epoch began."""

    def working(self, text: str) -> None:
        """Say how far long work without steps has come."""

    def epoch(self, report: EpochReport) -> None:
        """An epoch is done."""

    def finished(self, message: str) -> None:
        """The run has ended."""

    def close(self) -> None:
        """Restore the terminal, also after an error."""


class QuietDisplay:
    """Shows nothing."""

    def started(self, title: str, max_epochs: int, first_epoch: int) -> None:
        """Show nothing."""

    def forecast(self, seconds: float, text: str) -> None:
        """Show nothing."""

    def step(self, run: Run, seconds: float) -> None:
        """Show nothing."""

    def working(self, text: str) -> None:
        """Show nothing."""

    def epoch(self, report: EpochReport) -> None:
        """Show nothing."""

    def finished(self, message: str) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Show nothing."""


class PlainDisplay(QuietDisplay):
    """Prints one line for each epoch, and one a minute while it is trained, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._printed = 0.0
        self._ends: float | None = None

    def started(self, title: str, max_epochs: int, first_epoch: int) -> None:
        """Print which run begins."""
        self._ends = None
        resumed = f", resumed at epoch {first_epoch + 1}" if first_epoch else ""
        self._print(f"{title}: {max_epochs} epochs{resumed}")

    def forecast(self, seconds: float, text: str) -> None:
        """Print it."""
        self._ends = time.monotonic() + seconds
        self._print(text)

    def step(self, run: Run, seconds: float) -> None:
        """Print the step once a minute, because reading the loss waits for the device."""
        if time.monotonic() - self._printed >= LINE_SECONDS:
            self._print("  ".join(_step_parts(run, seconds, self._left())))

    def _left(self) -> float | None:
        """The seconds until the run should end; None if that is unknown, or over."""
        left = None if self._ends is None else self._ends - time.monotonic()
        return left if left is not None and left > 0 else None

    def epoch(self, report: EpochReport) -> None:
        """Print the epoch's figures."""
        self._ends = time.monotonic() + report.eta_seconds
        cells = "  ".join(f"{name} {value}" for name, value in _cells(report).items() if value)
        eta = duration(report.eta_seconds)
        self._print(f"epoch {report.epoch + 1}/{report.max_epochs}  {cells}  ETA {eta}")

    def working(self, text: str) -> None:
        """Print how far it is."""
        self._print(text)

    def finished(self, message: str) -> None:
        """Print how the run ended."""
        self._print(message)

    def _print(self, text: str) -> None:
        self._printed = time.monotonic()
        # Names come from plugins and paths: do not read markup in them, and do not fold lines.
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


class LiveDisplay(PlainDisplay):
    """Shows a progress bar with the current step above a table of the latest epochs."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._rows: deque[EpochReport] = deque(maxlen=SHOWN_EPOCHS)
        self._refreshed = 0.0
        self._live: Live | None = None

    def started(self, title: str, max_epochs: int, first_epoch: int) -> None:
        """Open the live table."""
        self._rows.clear()
        self._ends = None
        self._bar = Progress(
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[status]}", markup=False),
            console=self.console,
        )
        self._task = self._bar.add_task(
            title, total=max_epochs, completed=first_epoch, status="starting"
        )
        self._live = Live(self._view(), console=self.console, refresh_per_second=4)
        self._live.start()

    def step(self, run: Run, seconds: float) -> None:
        """Update the bar, but not at every step, because reading the loss waits for the device."""
        now = time.monotonic()
        if now - self._refreshed < REFRESH_SECONDS:
            return
        self._refreshed = now
        status = " · ".join(_step_parts(run, seconds, self._left()))
        self._bar.update(self._task, status=status)

    def epoch(self, report: EpochReport) -> None:
        """Add the epoch to the table."""
        self._rows.append(report)
        self._ends = time.monotonic() + report.eta_seconds
        eta = duration(report.eta_seconds)
        status = f"epoch {report.epoch + 1}/{report.max_epochs} · ETA {eta}"
        self._bar.update(self._task, completed=report.epoch + 1, status=status)
        if self._live is not None:
            self._live.update(self._view())

    def finished(self, message: str) -> None:
        """Close the live table, if training had begun, and print how the run ended."""
        self.close()
        super().finished(message)

    def close(self) -> None:
        """Stop the live table, which hides the cursor."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _view(self) -> Group:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        columns = [_cells(report) for report in self._rows]
        names = list(dict.fromkeys(name for cells in columns for name in cells))
        table.add_column("epoch", justify="right")
        for name in names:
            table.add_column(name, justify="right")
        for report, cells in zip(self._rows, columns, strict=True):
            table.add_row(str(report.epoch + 1), *(cells.get(name, "") for name in names))
        return Group(self._bar, table)


def _step_parts(run: Run, seconds: float, left: float | None) -> list[str]:
    """How far an epoch is, as short texts."""
    loss = run.logged.latest("loss")
    return [
        f"epoch {run.epoch + 1}/{run.max_epochs}",
        *([] if left is None else [f"ETA {duration(left)}"]),
        f"{duration(seconds)} in this epoch",
        f"step {run.steps}",
        *([] if loss is None else [f"loss {loss:.3f}"]),
        f"{run.samples / max(seconds, 1e-9):,.0f} img/s",
    ]


def _cells(report: EpochReport) -> dict[str, str]:
    """The epoch's figures as short texts, by column."""
    scores, scalars = report.scores, report.scalars
    loss, labeled = scalars.get("loss"), scalars.get("labeled_share")
    auroc = scores.get("clean_auroc")
    return {
        "loss": "" if loss is None else f"{loss:.3f}",
        "test": _percent(scores.get("test_accuracy")),
        "single": _percent(scores.get("test_accuracy_single")),
        "validation": _percent(scores.get("validation_accuracy")),
        "train": _percent(scores.get("train_accuracy_noisy")),
        "memorized": _percent(scores.get("memorization")),
        "labeled": _percent(labeled),
        "AUROC": "" if auroc is None else f"{auroc:.3f}",
        "img/s": f"{report.images_per_second:,.0f}",
        "time": duration(report.seconds),
    }


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}%"
