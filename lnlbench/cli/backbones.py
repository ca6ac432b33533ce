"""`lnlbench backbones [show NAME]`: the networks a run can use."""

import json
from typing import Annotated, Any

import typer

from lnlbench.cli.options.execution import Json

app = typer.Typer()


@app.callback(invoke_without_command=True)
def backbones(context: typer.Context, as_json: Json = False) -> None:
    """List the networks with their sizes, and pretrained ones; `show NAME` describes one."""
    if context.invoked_subcommand is not None:
        return
    from lnlbench.networks import BACKBONES

    described = [describe_backbone(name) for name in sorted(BACKBONES)]
    pretrained = pretrained_backbones()
    if as_json:
        document = {"backbones": described, "pretrained": pretrained}
        typer.echo(json.dumps(document, indent=2, sort_keys=True))
        return
    for each in described:
        millions = each["parameters"] / 1e6
        typer.echo(f"{each['name']:<18} {millions:6.2f} M parameters at 100 classes")
    typer.echo("timm:NAME          any network that timm builds, for example timm:resnet10t")
    typer.echo("Pretrained, for --frozen and --pretrained, without a model hub:")
    for name, data in pretrained.items():
        typer.echo(f"  {name}, pretrained on {data}")
    if not pretrained:
        typer.echo("  none installed; plugins such as lnlbench-efficientnet-lite provide them")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="The network's name, such as `resnet34`.")],
    as_json: Json = False,
) -> None:
    """Describe one network: what it is, and its size at 100 classes and 32x32 pixels."""
    described = describe_backbone(name)
    pretrained = pretrained_backbones()
    if name in pretrained:
        described["pretrained"] = pretrained[name]
    if as_json:
        typer.echo(json.dumps(described, indent=2, sort_keys=True))
        return
    for field, value in described.items():
        typer.echo(f"{field:<12} {value:,}" if isinstance(value, int) else f"{field:<12} {value}")


def describe_backbone(name: str) -> dict[str, Any]:
    """A network's description and number of weights; UsageError when it cannot be built."""
    from lnlbench.networks import BACKBONES, build_backbone

    network = build_backbone(name, num_classes=100, channels=3, image_size=32)
    text = (BACKBONES[name].__doc__ or "").partition("\n")[0] if name in BACKBONES else "by timm"
    weights = sum(weight.numel() for weight in network.parameters())
    return {"name": name, "description": text, "parameters": weights}


def pretrained_backbones() -> dict[str, str]:
    """The networks whose weights installed plugins provide, with the data that they have seen."""
    from lnlbench.plugins import load_plugins

    provided = load_plugins().backbones
    return {name: provided[name].pretrained_on for name in sorted(provided)}
