"""`lnlbench status [DIR]`: where the runs of a folder or a sweep stand."""

import json
from pathlib import Path
from time import sleep
from typing import Annotated

import typer

from lnlbench.cli.options import names
from lnlbench.cli.options.execution import Json
from lnlbench.errors import UsageError

WATCH_SECONDS = 2.0


def status(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="[DIR]",
            help="An output folder, or a folder of runs below it.",
            autocompletion=names.run_folders,
        ),
    ] = Path(),
    watch: Annotated[
        bool, typer.Option("--watch", help="Show it again until no run is running; Ctrl-C ends.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show which runs are running, waiting, failed and done, why, and how to repeat them."""
    if watch and as_json:
        raise UsageError("--watch shows a table again and again: give it without --json.")
    from lnlbench.sweep.status import print_statuses, statuses
    from lnlbench.system.console import Console

    found = statuses(folder)
    if as_json:
        typer.echo(json.dumps({"runs": [each.document() for each in found]}, indent=2))
        return
    print_statuses(found)
    while watch and any(each.state == "running" for each in found):
        before = found
        try:
            sleep(WATCH_SECONDS)
        except KeyboardInterrupt:
            return
        found = statuses(folder)
        if found != before:
            Console().clear()
            print_statuses(found)
