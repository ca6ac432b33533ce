"""Stop a run on SIGINT or SIGTERM at its next step, with its checkpoint in place."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from lnlbench.errors import Interrupted


class StopRequest:
    """Whether a signal has asked to stop."""

    def __init__(self) -> None:
        self.signal_name: str | None = None

    def check(self) -> None:
        """Raise Interrupted once a signal has come."""
        if self.signal_name is not None:
            raise Interrupted(f"stopped by {self.signal_name}")

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.signal_name is not None:
            # The user sent a second signal: do not wait for the end of the step.
            raise KeyboardInterrupt
        self.signal_name = signal.Signals(number).name


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Catch SIGINT and SIGTERM while the block runs; a second signal ends the run at once."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        # Only the main thread may set handlers; in another thread the caller has to.
        yield request
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, request._note) for number in numbers}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
