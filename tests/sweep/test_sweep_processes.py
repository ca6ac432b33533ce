"""What each run of a sweep may use: time, memory, GPUs and threads; and how its process ends."""

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
from sweep_jobs import make_jobs

from lnlbench.errors import RunError
from lnlbench.sweep import local, process
from lnlbench.sweep.local import LocalExecutor, default_slots, visible_gpus
from lnlbench.sweep.placement import Placement
from lnlbench.sweep.process import Limits, run_environment
from lnlbench.sweep.task import execute

NO_LIMITS = Limits()


def start(program, folder, monkeypatch, limits=NO_LIMITS):
    monkeypatch.setattr(process, "PROGRAM", (sys.executable, "-c", program))
    return process.RunProcess(folder, (), limits, os.environ)


def test_a_run_that_cannot_be_started_is_an_error_with_the_next_step(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(RunError, match=r"Cannot start a run in .*: Not a directory\. Mend this"):
        start("pass", tmp_path / "file" / "run", monkeypatch)


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


@pytest.mark.parametrize(("device", "slots"), [("cuda:1", 2), ("cuda", 4), ("cpu", 16)])
def test_a_gpu_that_is_named_has_no_more_runs_than_any_gpu(monkeypatch, device, slots):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, 1")
    monkeypatch.setattr("lnlbench.sweep.placement.check_device", lambda device: None)
    monkeypatch.setattr("lnlbench.sweep.placement.available_cores", lambda: 16)
    placement = Placement("local", "", None, None, runs_per_gpu=2, device=device)
    assert placement.slots(None) == slots


@pytest.mark.parametrize(
    ("gpus", "peak", "slots"), [(0, None, 4), (0, 3, 3), (0, 100, 1), (0, 1, 4), (2, 100, 6)]
)
def test_slots_by_gpus_or_by_cores_and_memory(monkeypatch, gpus, peak, slots):
    monkeypatch.setattr(local, "available_memory", lambda: 10)
    assert default_slots(4, gpus, 3, peak) == slots
