"""`lnlbench tracks [show NAME]`: what each track fixes."""

import json
from typing import Annotated

import typer

from lnlbench.cli.options import names
from lnlbench.cli.options.execution import Json
from lnlbench.cli.options.lists import asks_for_list
from lnlbench.errors import UsageError

app = typer.Typer()


@app.callback(invoke_without_command=True)
def tracks(context: typer.Context, as_json: Json = False) -> None:
    """List the tracks; `lnlbench tracks show NAME` prints everything that a track fixes.

    A track of your own is a TOML file: give its path in place of a name, as in
    --track FILE.toml.
    """
    if not asks_for_list(context):
        return
    from lnlbench.plugins.tracks import all_tracks
    from lnlbench.tracks import DEFAULT_TRACK

    loaded = all_tracks().values()
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
        str,
        typer.Argument(
            help="The track's name, such as `digits`, or its TOML file.",
            autocompletion=names.tracks,
        ),
    ],
    toml: Annotated[
        bool,
        typer.Option("--toml", help="Print the file of a track of your own, to begin with."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Print everything that a track fixes."""
    from lnlbench.plugins.tracks import find_track
    from lnlbench.tracks import track_text

    if toml and as_json:
        raise UsageError("--toml and --json each print a document: give one of them.")
    if toml:
        typer.echo(f'name = "my-{name}"\n{track_text(name)}', nl=False)
        return
    document = find_track(name).model_dump(mode="json")
    if as_json:
        typer.echo(json.dumps(document, indent=2, sort_keys=True))
        return
    from lnlbench.system.listing import print_listing

    fields = document["protocol"] | ({"data": document["data"]} if "data" in document else {})
    rows = [(field, json.dumps(value)) for field, value in fields.items()]
    print_listing(("field", "value"), rows, title=document["title"])
