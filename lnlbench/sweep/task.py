"""The task of a Ray cluster that executes one run, in a worker process of some node.

Without torch, like all that it imports: a node keeps a worker for each run that it has room for.
"""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from lnlbench.runner.lock import wait_until_free
from lnlbench.sweep.process import Exit, Limits, RunProcess, run_environment

POLL_SECONDS = 0.05
# How long the process of a node that was lost may take to let go of its run.
RELEASE_SECONDS = 60.0


def execute(folder: Path, arguments: tuple[str, ...], threads: int, limits: Limits) -> Exit:
    """Run `lnlbench` with these arguments until it ends, or the task is cancelled."""
    # Ray cancels by this handler, which is not there when `ray start` ran in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # A node can be lost to Ray before its processes have ended.
    wait_until_free(folder, RELEASE_SECONDS)
    process = RunProcess(folder, arguments, limits, run_environment(os.environ, threads, None))
    while True:
        # Cancelling raises KeyboardInterrupt here; the run then ends its step and is waited for.
        with suppress(KeyboardInterrupt):
            while (end := process.poll()) is None:
                time.sleep(POLL_SECONDS)
            return end
        process.stop()
