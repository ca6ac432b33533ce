"""`python -m lnlbench.cli.child PARENT …`: `lnlbench …`, which ends when its parent ends.

A sweep's runs are process groups of their own. So Ctrl-C reaches only the sweep, and the sweep can
end one run with all processes that it started. When the sweep is killed, its runs must end too.
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
