"""How the threads of a parallel computation wait for each other."""

import os

POLICY = "OMP_WAIT_POLICY"
# Each sets the waiting in one implementation of OpenMP.
_OTHERS = ("GOMP_SPINCOUNT", "KMP_BLOCKTIME")


def wait_passively() -> None:
    """Let threads of this process sleep while they wait, unless the user's environment decides.

    By default they spin for a while, which takes the processor from the thread that they wait for
    where other programs run. OpenMP reads the variable when it is loaded, so call this before torch
    is imported.
    """
    if not any(name in os.environ for name in _OTHERS):
        os.environ.setdefault(POLICY, "PASSIVE")
