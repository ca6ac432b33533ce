"""Show a sweep: a live table on a terminal, plain lines elsewhere."""

import time
from collections import Counter
from collections.abc import Callable

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from lnlbench.sweep.executor import Job
from lnlbench.sweep.report import RunReport
from lnlbench.system.console import Console
from lnlbench.system.text import duration

REFRESH_SECONDS = 0.5


class SweepDisplay:
    """Prints one line for each run that begins, ends or is retried."""

    def __init__(self, console: Console, runs: int) -> None:
        self.console = console
        self._runs = runs
        self._statuses: Counter[str] = Counter()

    def started(self, job: Job) -> None:
        """Print that a run begins."""
        again = f", attempt {job.attempt}" if job.attempt > 1 else ""
        self._print(f"{job.title}: started{again}")

    def ended(self, report: RunReport) -> None:
        """Print how a run ended."""
        self._statuses[report.ending] += 1
        number = f"[{self._statuses.total()}/{self._runs}]"
        if report.accuracy is not None:
            what = f"done, test_accuracy_last10 {100 * report.accuracy:.2f}%"
        else:
            what = f"{report.ending}: {report.reason}"
        self._print(f"{number} {report.job.title}: {what}, {duration(report.seconds)}")

    def retried(self, job: Job, reason: str) -> None:
        """Print why a run is retried."""
        self._print(f"{job.title}: {reason}. Trying again.")

    def stopping(self, running: int) -> None:
        """Print that the sweep stops its runs."""
        self._print(
            f"Stopping: {running} running keep their state after their step; the same command "
            "resumes them. A second Ctrl-C ends them at once."
        )

    def tick(self, progress: Callable[[], list[tuple[Job, str]]], waiting: int) -> None:
        """Show how far the running jobs are; does nothing without a terminal."""

    def close(self) -> None:
        """Give the terminal back."""

    def _print(self, text: str) -> None:
        # Names and errors come from plugins and paths and must not be read as markup.
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


class LiveSweepDisplay(SweepDisplay):
    """Prints the same lines above a table of the running jobs."""

    def __init__(self, console: Console, runs: int) -> None:
        super().__init__(console, runs)
        self._refreshed = 0.0
        # The sweep draws it between its steps: a drawing thread would be forked with every run.
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._live.start()

    def tick(self, progress: Callable[[], list[tuple[Job, str]]], waiting: int) -> None:
        """Draw the table from time to time."""
        now = time.monotonic()
        if now - self._refreshed < REFRESH_SECONDS:
            return
        self._refreshed = now
        running = progress()
        counts = {**self._statuses, "running": len(running), "waiting": waiting}
        title = " · ".join(f"{count} {name}" for name, count in counts.items())
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        for job, line in running:
            table.add_row(Text(job.title), Text(line, no_wrap=True, overflow="ellipsis"))
        self._live.update(Group(Text(title, style="bold"), table), refresh=True)

    def close(self) -> None:
        """Remove the table."""
        self._live.stop()


def choose_display(console: Console, runs: int) -> SweepDisplay:
    """The display that fits the output: live on a terminal, else plain lines."""
    return (LiveSweepDisplay if console.is_terminal else SweepDisplay)(console, runs)
