"""A run in a store, and what another machine has of it."""

from lnlbench.sweep.store.mirror import Attempt, Mirror

RUN = "runs/digits/ce/matched-seed0-1a2b3c4d"


def fetched(store, folder, source=1):
    """What another machine has of the run after it has fetched the state of an attempt."""
    Mirror(store, Attempt(RUN, source + 1, source), folder).fetch()
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }
