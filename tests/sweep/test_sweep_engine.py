"""What a sweep does as processes end: retries, limits, refusals; and what each run may use."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from _thread import interrupt_main
from pathlib import Path
from threading import Thread

import pytest
from factories import make_document
from rich.console import Console

from lnlbench.errors import EXIT_HELD, RunError
from lnlbench.plugins import load_plugins
from lnlbench.runner.directory import RunDirectory
from lnlbench.spec.expand import expand
from lnlbench.spec.grid import Grid
from lnlbench.sweep import local, process
from lnlbench.sweep.display import SweepDisplay, choose_display
from lnlbench.sweep.engine import Sweep
from lnlbench.sweep.executor import Ended, Job
from lnlbench.sweep.local import LocalExecutor, default_slots, visible_gpus
from lnlbench.sweep.process import Exit, Limits, run_environment
from lnlbench.sweep.report import RunReport
from lnlbench.sweep.summary import print_summary
from lnlbench.sweep.task import execute

NO_LIMITS = Limits()


def make_jobs(folder, count):
    grid = Grid(method=["ce"], track=["digits"], seeds=list(range(count)))
    specs = expand([grid], load_plugins())
    return [Job(spec, RunDirectory.of_spec(folder, spec), (str(spec.seed),)) for spec in specs]


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


def start(program, folder, monkeypatch, limits=NO_LIMITS):
    monkeypatch.setattr(process, "PROGRAM", (sys.executable, "-c", program))
    return process.RunProcess(folder, (), limits, os.environ)


def finish(running, seconds=120):
    deadline = time.monotonic() + seconds
    while (ended := running.poll()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return ended


def test_output_and_log_are_kept_apart(tmp_path, monkeypatch):
    program = "import sys; print('{}'); sys.stderr.write('one\\n\\ntwo\\n'); sys.exit(3)"
    ended = finish(start(program, tmp_path, monkeypatch))
    assert (ended.code, ended.output, ended.lines) == (3, "{}\n", ("one", "two"))
    assert ended.limit is None


def test_a_time_limit_holds_even_for_a_run_that_ignores_being_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "GRACE_SECONDS", 0.3)
    program = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"
    began = time.monotonic()
    ended = finish(start(program, tmp_path, monkeypatch, Limits(seconds=1.0)))
    assert ended.code == -signal.SIGKILL
    assert "time limit of 1 s" in ended.limit
    assert 1.0 <= time.monotonic() - began < 15


def test_a_memory_limit_counts_all_processes_of_a_run(tmp_path, monkeypatch):
    hog = "held = b'x' * (300 * 2**20); import time; time.sleep(60)"
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hog!r}])"
    ended = finish(start(program, tmp_path, monkeypatch, Limits(memory=200 * 2**20)))
    assert ended.code == -signal.SIGKILL
    assert "memory limit of 200 MiB" in ended.limit


def test_a_run_below_its_limits_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "MEMORY_INTERVAL_SECONDS", 0.0)
    limits = Limits(seconds=60.0, memory=2**30)
    ended = finish(start("import time; time.sleep(0.3)", tmp_path, monkeypatch, limits))
    assert (ended.code, ended.limit) == (0, None)


def test_a_cancelled_task_asks_its_run_to_end_also_where_sigint_was_ignored(tmp_path, monkeypatch):
    program = (
        "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(7)); "
        "sys.stderr.write('ready'); sys.stderr.flush(); time.sleep(60)"
    )
    monkeypatch.setattr(process, "PROGRAM", (sys.executable, "-c", program))

    def cancel():
        while "ready" not in process.last_lines(tmp_path / process.LOG_NAME, 1):
            time.sleep(0.01)
        interrupt_main()  # as Ray does

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        Thread(target=cancel).start()
        end = execute(tmp_path, (), 1, NO_LIMITS)
    finally:
        signal.signal(signal.SIGINT, before)
    assert end.code == 7


def test_a_worker_ends_with_its_parent(tmp_path):
    # The parent starts a worker of its own that would wait for a minute, and is killed.
    worker = (
        "import os, sys, time; from threading import Thread; "
        "from lnlbench.cli.child import end_with; "
        "Thread(target=end_with, args=(int(sys.argv[1]),), daemon=True).start(); time.sleep(300)"
    )
    parent = (
        "import os, subprocess, sys, time; "
        f"child = subprocess.Popen([sys.executable, '-c', {worker!r}, str(os.getpid())], "
        "process_group=0); print(child.pid, flush=True); time.sleep(300)"
    )
    started = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True)
    child = int(started.stdout.readline())
    started.kill()
    started.wait()
    deadline = time.monotonic() + 120
    while _runs(child):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _runs(pid):
    """Whether a process runs; one that has ended and was not waited for does not."""
    file = Path(f"/proc/{pid}/stat")
    try:
        return file.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_each_slot_has_its_gpu_and_its_share_of_the_threads(tmp_path, monkeypatch):
    show = "import json, os, sys; print(json.dumps(dict(os.environ))); sys.exit(0)"
    monkeypatch.setattr(process, "PROGRAM", (sys.executable, "-c", show))
    executor = LocalExecutor(4, 3, ["5", "7"], Limits())
    for job in make_jobs(tmp_path, 4):
        executor.start(job)
    ended = []
    while len(ended) < 4:
        ended += executor.wait()
    seen = {each.job.spec.seed: json.loads(each.exit.output) for each in ended}
    assert [seen[seed]["CUDA_VISIBLE_DEVICES"] for seed in range(4)] == ["5", "7", "5", "7"]
    assert {variables["OMP_NUM_THREADS"] for variables in seen.values()} == {"3"}


def test_without_gpus_nothing_is_hidden():
    variables = run_environment({"CUDA_VISIBLE_DEVICES": "1", "OMP_NUM_THREADS": "9"}, 2, None)
    assert variables["CUDA_VISIBLE_DEVICES"] == "1"
    assert variables["OMP_NUM_THREADS"] == variables["MKL_NUM_THREADS"] == "2"


def test_gpus_that_are_named_are_shared(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, 1")
    assert visible_gpus("auto") == ["3", "1"]
    assert visible_gpus("cpu") == visible_gpus("cuda:1") == []


@pytest.mark.parametrize(
    ("gpus", "peak", "slots"), [(0, None, 4), (0, 3, 3), (0, 100, 1), (0, 1, 4), (2, 100, 6)]
)
def test_slots_by_gpus_or_by_cores_and_memory(monkeypatch, gpus, peak, slots):
    monkeypatch.setattr(local, "available_memory", lambda: 10)
    assert default_slots(4, gpus, 3, peak) == slots


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
