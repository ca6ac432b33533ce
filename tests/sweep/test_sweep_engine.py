"""What a sweep does as its processes end: retries, limits, refusals, and what it shows."""

import io
import json
import os
import signal
from pathlib import Path

import pytest
from factories import make_document
from rich.console import Console
from sweep_jobs import make_jobs

from lnlbench.errors import EXIT_HELD, RunError
from lnlbench.sweep.display import SweepDisplay, choose_display
from lnlbench.sweep.engine import Sweep
from lnlbench.sweep.executor import Ended
from lnlbench.sweep.process import Exit
from lnlbench.sweep.report import RunReport
from lnlbench.sweep.summary import print_summary


def printed(job, status="done"):
    result = make_document("ce", job.spec.seed, track="digits", status=status)
    return json.dumps({"results": [{"result": result, "result_file": "x.json"}]})


class Scripted:
    """An executor whose jobs end as `ends` says, by seed and attempt."""

    def __init__(self, slots, ends):
        self.slots = slots
        self.ends = ends
        self.started, self.running, self.most, self.killed = [], [], 0, False

    def start(self, job):
        self.started.append((job.spec.seed, job.attempt))
        self.running.append(job)
        self.most = max(self.most, len(self.running))

    def wait(self):
        job = self.running.pop(0)
        code, output, limit = self.ends(job)
        return [Ended(job, Exit(code, output, ("first", "last line"), 1.0, limit))]

    def progress(self):
        return []

    def stop(self):
        pass

    def kill(self):
        self.killed = True


def sweep(folder, ends, count=3, retries=1, slots=2, record=None):
    recorded = {}

    def keep(job, reason):
        recorded[job.spec.seed] = reason
        return Path("failed.json")

    executor = Scripted(slots, ends)
    display = SweepDisplay(Console(quiet=True), count)
    engine = Sweep(executor, display, record or keep, retries)
    reports = engine.run(make_jobs(folder, count))
    return executor, {report.job.spec.seed: report for report in reports}, recorded


def test_every_job_is_done_once_and_no_more_run_than_there_are_slots(tmp_path):
    executor, reports, recorded = sweep(tmp_path, lambda job: (0, printed(job), None), count=7)
    assert executor.started == [(seed, 1) for seed in range(7)]
    assert executor.most == 2
    assert {report.status for report in reports.values()} == {"done"}
    assert len(reports) == 7
    assert recorded == {}


@pytest.mark.parametrize(
    ("code", "reason"),
    [(-signal.SIGKILL, "SIGKILL, as"), (None, "lost")],
)
def test_a_killed_or_lost_run_is_tried_again_and_then_recorded(tmp_path, code, reason):
    def ends(job):
        if job.spec.seed == 1:
            return code, "", None
        if job.spec.seed == 2 and job.attempt == 1:
            return -signal.SIGSEGV, "", None
        return 0, printed(job), None

    executor, reports, recorded = sweep(tmp_path, ends)
    assert sorted(executor.started) == [(0, 1), (1, 1), (1, 2), (2, 1), (2, 2)]
    assert {seed: report.status for seed, report in reports.items()} == {
        0: "done",
        1: "failed",
        2: "done",
    }
    assert list(recorded) == [1]
    for text in (reason, "attempt 2", "last line"):
        assert text in recorded[1]


@pytest.mark.parametrize("status", ["failed", "diverged"])
def test_what_a_run_reports_itself_is_neither_repeated_nor_recorded_again(tmp_path, status):
    executor, reports, recorded = sweep(tmp_path, lambda job: (1, printed(job, status), None), 1)
    assert executor.started == [(0, 1)]
    assert reports[0].status == status
    assert "NaN" in reports[0].reason
    assert recorded == {}


def test_a_limit_is_recorded_at_once(tmp_path):
    executor, reports, recorded = sweep(tmp_path, lambda job: (-15, "", "too slow"), 1, retries=5)
    assert executor.started == [(0, 1)]
    assert reports[0].status == "failed"
    assert recorded[0].startswith("too slow")


def test_a_run_that_was_done_before_its_process_crashed_is_done(tmp_path):
    executor, reports, _ = sweep(tmp_path, lambda job: (-signal.SIGSEGV, printed(job), None), 1)
    assert (reports[0].status, executor.started) == ("done", [(0, 1)])


def test_a_refused_run_is_not_tried_again(tmp_path):
    executor, reports, recorded = sweep(tmp_path, lambda job: (2, "", None), 1)
    assert executor.started == [(0, 1)]
    assert (reports[0].status, recorded) == ("failed", {})
    assert "last line" in reports[0].reason


def test_a_run_that_another_process_executes_is_no_failure(tmp_path):
    def ends(job):
        return (EXIT_HELD, "", None) if job.spec.seed == 0 else (0, printed(job), None)

    executor, reports, recorded = sweep(tmp_path, ends, 2)
    assert executor.started == [(0, 1), (1, 1)]
    assert recorded == {}
    assert [reports[seed].status for seed in (0, 1)] == ["held", "done"]
    screen = io.StringIO()
    print_summary(list(reports.values()), 2, (), Console(file=screen))
    assert screen.getvalue() == (
        "2 runs: 1 done, 1 held by another process.\n"
        "Run the same command again to finish what is missing.\n"
    )


def test_a_failure_that_cannot_be_recorded_is_still_reported(tmp_path):
    def full(job, reason):
        raise RunError("the disk is full")

    _, reports, _ = sweep(tmp_path, lambda job: (-9, "", None), 2, retries=0, record=full)
    assert [report.status for report in reports.values()] == ["failed", "failed"]
    assert "the disk is full" in reports[0].reason
    assert reports[0].result_file is None


def test_a_signal_starts_nothing_more(tmp_path):
    def ends(job):
        os.kill(os.getpid(), signal.SIGINT)
        return 1, printed(job, "interrupted"), None

    executor, reports, recorded = sweep(tmp_path, ends, count=5, slots=1)
    assert executor.started == [(0, 1)]
    assert [report.status for report in reports.values()] == ["interrupted"]
    assert recorded == {}
    assert executor.killed


def test_a_terminal_shows_what_runs_and_what_has_ended(tmp_path):
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100)
    display = choose_display(console, 3)
    first, second = make_jobs(tmp_path, 2)
    display.started(first)
    display.ended(RunReport(first, "failed", 90.0, "a [bold]reason[/bold]"))
    display.tick(lambda: [(second, "epoch 3/60  loss [1]")], 1)
    display.close()
    shown = screen.getvalue()
    for text in ("[1/3] ce · digits · seed 0: failed: a [bold]reason[/bold], 90.0 s", "loss [1]"):
        assert text in shown
    assert "1 failed · 1 running · 1 waiting" in shown
    # The cursor, hidden while the table lives, is given back.
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")


def test_without_a_terminal_there_are_lines_alone():
    screen = io.StringIO()
    display = choose_display(Console(file=screen), 3)
    display.tick(lambda: pytest.fail("nobody sees it"), 1)
    display.stopping(2)
    assert screen.getvalue().startswith("Stopping: 2 running")
    assert "\x1b" not in screen.getvalue()
