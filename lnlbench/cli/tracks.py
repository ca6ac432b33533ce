"""`lnlbench tracks [show NAME]`: what each track fixes."""

import json
from typing import Annotated

import typer

from lnlbench.cli.options import names
from lnlbench.cli.options.execution import Json

app = typer.Typer()


@app.callback(invoke_without_command=True)
def tracks(context: typer.Context, as_json: Json = False) -> None:
    """List the tracks; `lnlbench tracks show NAME` prints everything that a track fixes."""
    if context.invoked_subcommand is not None:
        return
    from lnlbench.tracks import DEFAULT_TRACK, load_track, track_names

    loaded = [load_track(name) for name in track_names()]
    if as_json:
        documents = [track.model_dump(mode="json") for track in loaded]
        typer.echo(json.dumps({"tracks": documents}, indent=2, sort_keys=True))
        return
    from lnlbench.system.listing import print_listing

    rows = []
    for track in loaded:
        protocol = track.protocol
        name = track.name + (" (default)" if track.name == DEFAULT_TRACK else "")
        data = f"{protocol.dataset}, {protocol.noise}"
        rows.append((name, data, protocol.backbone, protocol.epochs, track.description))
    print_listing(("track", "data, noise", "network", "epochs", "what it is"), rows)


@app.command()
def show(
    name: Annotated[
        str, typer.Argument(help="The track's name, such as `digits`.", autocompletion=names.tracks)
    ],
    as_json: Json = False,
) -> None:
    """Print everything that a track fixes."""
    from lnlbench.tracks import load_track

    document = load_track(name).model_dump(mode="json")
    if as_json:
        typer.echo(json.dumps(document, indent=2, sort_keys=True))
        return
    from lnlbench.system.listing import print_listing

    rows = [(field, json.dumps(value)) for field, value in document["protocol"].items()]
    print_listing(("field", "value"), rows, title=document["title"])
