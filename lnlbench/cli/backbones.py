"""`lnlbench backbones`: the networks a run can use."""

import json
from typing import Annotated

import typer


def backbones(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the networks with their number of parameters at 100 classes, and pretrained ones."""
    from lnlbench.networks import BACKBONES, build_backbone
    from lnlbench.plugins import load_plugins

    sizes = {
        name: sum(weight.numel() for weight in build_backbone(name, 100, 3, 32).parameters())
        for name in sorted(BACKBONES)
    }
    provided = load_plugins().backbones
    pretrained = {name: provided[name].pretrained_on for name in sorted(provided)}
    if as_json:
        document = {"backbones": sizes, "pretrained": pretrained}
        typer.echo(json.dumps(document, indent=2, sort_keys=True))
        return
    for name, size in sizes.items():
        typer.echo(f"{name:<18} {size / 1e6:6.2f} M parameters")
    typer.echo("timm:NAME          any network that timm builds, for example timm:resnet10t")
    typer.echo("Pretrained, for --frozen, without a model hub:")
    for name, data in pretrained.items():
        typer.echo(f"  {name}, pretrained on {data}")
    if not pretrained:
        typer.echo("  none installed; plugins such as lnlbench-efficientnet-lite provide them")
