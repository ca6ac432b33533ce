"""The process beside a run whose directory is mirrored in a store.

This module does not import torch, because the process waits as long as the run takes.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

from lnlbench.sweep import process
from lnlbench.sweep.store.mirror import Attempt, Mirror
from lnlbench.sweep.store.object_store import ObjectStore, StoreError

POLL_SECONDS = 1.0
RETRY_SECONDS = 30.0
# Before and after a run the process has to wait for the store.
DELAYS = (2.0, 10.0, 30.0)


def run_mirrored(store: ObjectStore, attempt: Attempt, folder: Path, command: Sequence[str]) -> int:
    """Run `lnlbench` with these arguments, mirror the run's directory, and return the exit code."""
    mirror = Mirror(store, attempt, folder)
    _patiently(mirror.fetch)
    running = subprocess.Popen([*process.PROGRAM, str(os.getpid()), *command])

    def stop(number: int, frame: FrameType | None) -> None:
        # The limits hold during an upload, too.
        running.terminate()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    wait_until = 0.0
    while True:
        try:
            code = running.wait(POLL_SECONDS)
            break
        except subprocess.TimeoutExpired:
            pass
        if time.monotonic() < wait_until:
            continue
        try:
            mirror.upload_checkpoint()
        except (StoreError, OSError) as error:
            _say(f"{error} The run continues; its checkpoint is retried in {RETRY_SECONDS:g} s.")
            wait_until = time.monotonic() + RETRY_SECONDS
    # The run prints its result, and the driver brings it to the store.
    with suppress(StoreError, OSError):
        _patiently(lambda: mirror.upload_end(done=code == 0))
    return code


def _patiently(action: Callable[[], None]) -> None:
    """Do something with the store, and retry several times if it cannot be reached."""
    for delay in (*DELAYS, None):
        try:
            action()
            return
        except StoreError as error:
            if delay is None:
                raise
            _say(f"{error} Trying again in {delay:g} s.")
            time.sleep(delay)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
