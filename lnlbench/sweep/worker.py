"""`python -m lnlbench.sweep.worker PARENT …`: `lnlbench …`, which ends when its parent does.

A sweep's runs are process groups of their own, so that Ctrl-C reaches the sweep alone and one run
can be ended with all that it has started. When the sweep itself is killed, they must not go on.
"""

import os
import signal
import sys
import threading
import time

INTERVAL_SECONDS = 0.2


def end_with(parent: int) -> None:
    """Kill this process once its parent is another than `parent`."""
    while os.getppid() == parent:
        time.sleep(INTERVAL_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Watch the parent, and be the command that the other arguments are."""
    threading.Thread(target=end_with, args=(int(sys.argv.pop(1)),), daemon=True).start()
    from lnlbench.cli import main as command

    command()


if __name__ == "__main__":
    main()
