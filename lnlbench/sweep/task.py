"""The task of a Ray cluster that executes one run, in a worker process of some node.

Neither this module nor its imports load torch: a node keeps a worker for each run it has room for.
"""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from lnlbench.runner.lock import wait_until_free
from lnlbench.sweep.process import Exit, Limits, RunProcess, run_environment

POLL_SECONDS = 0.05
# Seconds that a process of a lost node may take to release its run.
RELEASE_SECONDS = 60.0


def execute(folder: Path, arguments: tuple[str, ...], threads: int, limits: Limits) -> Exit:
    """Run `lnlbench` with these arguments until it ends, or the task is cancelled."""
    # Ray cancels through this handler, which is missing if `ray start` ran in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Ray can lose a node whose processes still run.
    wait_until_free(folder, RELEASE_SECONDS)
    process = RunProcess(folder, arguments, limits, run_environment(os.environ, threads, None))
    while True:
        # Cancelling raises KeyboardInterrupt here; then wait until the run has ended its step.
        with suppress(KeyboardInterrupt):
            while (end := process.poll()) is None:
                time.sleep(POLL_SECONDS)
            return end
        process.stop()
