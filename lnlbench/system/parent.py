"""Processes that must not outlive the one that started them."""

import os
import signal
import time

INTERVAL_SECONDS = 0.2


def end_with(parent: int) -> None:
    """Kill this process once its parent is no longer `parent`; looks every 0.2 seconds."""
    while os.getppid() == parent:
        time.sleep(INTERVAL_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)
