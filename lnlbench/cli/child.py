"""`python -m lnlbench.cli.child PARENT …`: an `lnlbench …` that ends when its parent ends.

Each run of a sweep is its own process group. So Ctrl-C reaches only the sweep, and the sweep can
end a run with all processes that the run started. If something kills the sweep, its runs must end,
too.
"""

import sys
import threading

from lnlbench.system.parent import end_with


def main() -> None:
    """Watch the parent, and run the command that the other arguments give."""
    threading.Thread(target=end_with, args=(int(sys.argv.pop(1)),), daemon=True).start()
    from lnlbench.cli import main as command

    command()


if __name__ == "__main__":
    main()
