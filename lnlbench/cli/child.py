"""`python -m lnlbench.cli.child PARENT …`: `lnlbench …`, which ends when its parent does.

A sweep's runs are process groups of their own, so that Ctrl-C reaches the sweep alone and one run
can be ended with all that it has started. When the sweep itself is killed, they must not go on.
"""

import sys
import threading

from lnlbench.system.parent import end_with


def main() -> None:
    """Watch the parent, and be the command that the other arguments are."""
    threading.Thread(target=end_with, args=(int(sys.argv.pop(1)),), daemon=True).start()
    from lnlbench.cli import main as command

    command()


if __name__ == "__main__":
    main()
