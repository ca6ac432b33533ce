"""Run a sweep's jobs on an executor: which to start, how they ended, when to retry or stop."""

import json
import signal
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from lnlbench.errors import EXIT_HELD, EXIT_USAGE, LnlbenchError
from lnlbench.results import Result
from lnlbench.sweep.display import SweepDisplay
from lnlbench.sweep.executor import Ended, Executor, Job
from lnlbench.sweep.loop import JobLoop
from lnlbench.sweep.process import Exit
from lnlbench.sweep.report import RunReport
from lnlbench.system.text import printable

SHOWN_LINES = 3


class Sweep(JobLoop):
    """Jobs, the executor that runs them, and a function that records their failures.

    When a run could not store its failure itself, `record` does so and returns the file.
    """

    def __init__(
        self,
        executor: Executor,
        display: SweepDisplay,
        record: Callable[[Job, str], Path],
        retries: int,
    ) -> None:
        super().__init__(executor)
        self._display = display
        self._record = record
        self._retries = retries
        self._waiting: deque[Job] = deque()
        self._reports: list[RunReport] = []

    def run(self, jobs: list[Job]) -> list[RunReport]:
        """Run all jobs; after SIGINT or SIGTERM, end the running jobs and keep their state.

        Returns the reports of the jobs that were started, in the order in which they ended.

        Raises:
            KeyboardInterrupt: a second signal came; no job runs any more.
        """
        self._waiting = deque(jobs)
        self._reports = []
        # All at once, so that `lnlbench status` sees what waits.
        for job in jobs:
            job.directory.write_spec(job.spec, job.locations)
        self._drive()
        return self._reports

    def _next(self) -> Job | None:
        return self._waiting.popleft() if self._waiting else None

    def _announce(self, job: Job) -> None:
        self._display.started(job)

    def _announce_stop(self) -> None:
        self._display.stopping(self._running)

    def _tick(self) -> None:
        self._display.tick(self._executor.progress, len(self._waiting))

    def _judge(self, ended: Ended) -> None:
        report = self._report(ended)
        if report is None:
            self._waiting.appendleft(replace(ended.job, attempt=ended.job.attempt + 1))
        else:
            self._reports.append(report)
            self._display.ended(report)

    def _report(self, ended: Ended) -> RunReport | None:
        """The report of a job that has ended; None if the sweep will retry it."""
        end = ended.exit
        result, file = read_output(end.output)
        if result is not None and result.status != "interrupted":
            accuracy = result.scores.test_accuracy_last10
            return RunReport(ended.job, result.status, end.seconds, result.error, accuracy, file)
        if end.limit is not None:
            return self._failed(ended, end.limit)
        if self._stopping:
            return RunReport(ended.job, "interrupted", end.seconds, "the sweep was stopped")
        if end.code == EXIT_HELD:
            # The other process will store the result; so far the run is neither done nor failed.
            return RunReport(ended.job, "held", end.seconds, error_message(end))
        if end.code == EXIT_USAGE:
            # The request itself is wrong: a retry would fail too, and there is no result to store.
            return RunReport(ended.job, "failed", end.seconds, error_message(end))
        reason = describe_end(end.code)
        if ended.job.attempt <= self._retries:
            self._display.retried(ended.job, f"{reason}{_last(end)}")
            return None
        return self._failed(ended, f"{reason} (attempt {ended.job.attempt})")

    def _failed(self, ended: Ended, reason: str) -> RunReport:
        reason += _last(ended.exit)
        try:
            file = str(self._record(ended.job, reason))
        except LnlbenchError as error:
            reason, file = f"{reason}; it could not be recorded: {error}", None
        return RunReport(ended.job, "failed", ended.exit.seconds, reason, result_file=file)


def read_output(output: str) -> tuple[Result | None, str | None]:
    """The result that `lnlbench run --json` printed, and its file; None if it printed no result."""
    try:
        [printed] = json.loads(output)["results"]
        return Result.model_validate(printed["result"]), str(printed["result_file"])
    except (ValueError, KeyError, TypeError, ValidationError):
        return None, None


def describe_end(code: int | None) -> str:
    """A sentence on how a process ended."""
    if code is None:
        return "the process was lost"
    if code >= 0:
        return f"the process ended with exit code {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    hint = ", as the system does when memory runs out" if name == "SIGKILL" else ""
    return f"the process was killed by {name}{hint}"


def error_message(end: Exit) -> str:
    """The error that the command printed; it may have several lines."""
    text = "\n".join(end.lines)
    return printable(text.rpartition("Error: ")[2]) or describe_end(end.code)


def _last(end: Exit) -> str:
    lines = " / ".join(map(printable, end.lines[-SHOWN_LINES:]))
    return f". Last lines: {lines}" if lines else ""
