"""`lnlbench datasets`: the data sets, and the noise that each can have."""

import json
from typing import Annotated

import typer


def datasets(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the data sets and the kinds of noise."""
    from lnlbench.data import dataset_names
    from lnlbench.noise import noise_names

    if as_json:
        document = {"datasets": dataset_names(), "noise": noise_names()}
        typer.echo(json.dumps(document, indent=2, sort_keys=True))
        return
    typer.echo("Data sets: " + ", ".join(dataset_names()))
    typer.echo("Noise: " + ", ".join(noise_names()))
    typer.echo("A rate follows a colon: --noise symmetric:0.4")
