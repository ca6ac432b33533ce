"""`lnlbench mirrored`: a run whose directory has a mirror; `lnlbench sweep` starts these."""

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

# All arguments after the folder belong to the run.
SETTINGS = {"ignore_unknown_options": True, "allow_interspersed_args": False}


def mirrored(
    store: Annotated[str, typer.Argument(help="The URL of the store.")],
    run: Annotated[str, typer.Argument(help="The folder of the run in the store.")],
    number: Annotated[int, typer.Argument(help="The number of this attempt.")],
    source: Annotated[int, typer.Argument(help="The attempt whose state it resumes, or 0.")],
    folder: Annotated[Path, typer.Argument(help="The directory of the run.")],
    command: Annotated[list[str], typer.Argument(help="Arguments of the lnlbench command.")],
) -> None:
    """Fetch a run's state from a store, resume the run, and upload the files that it writes."""
    from lnlbench.sweep.store.mirror import Attempt
    from lnlbench.sweep.store.mirrored_run import run_mirrored
    from lnlbench.sweep.store.object_store import ObjectStore

    attempt = Attempt(run, number, source or None)
    code = run_mirrored(ObjectStore(store), attempt, folder, command)
    if code < 0:
        # End as the run did, so that the sweep's report is the same as without a mirror.
        with suppress(OSError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    raise typer.Exit(code)
