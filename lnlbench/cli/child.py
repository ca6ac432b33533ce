"""`python -m lnlbench.cli.child PARENT …`: an `lnlbench …` that ends when its parent ends.

Each run of a sweep is its own process group. So Ctrl-C reaches only the sweep, and the sweep can
end a run with all processes that the run started. If something kills the sweep, its runs must end,
too. With `--serve SOCKET` the process forks such children, and ends with the socket.
"""

import os
import socket
import sys
import threading

from lnlbench.system.parent import end_with


def main() -> None:
    """Watch the parent, and run the command that the other arguments give."""
    parent = int(sys.argv.pop(1))
    if sys.argv[1:2] == ["--serve"]:
        from lnlbench.sweep.fork_server import ForkServer

        parent = os.getpid()
        sys.argv[1:] = ForkServer(socket.socket(fileno=int(sys.argv[2]))).serve()
    threading.Thread(target=end_with, args=(parent,), daemon=True).start()
    from lnlbench.cli import main as command

    command()


if __name__ == "__main__":
    main()
