"""`lnlbench backbones [show NAME]`: the networks that a run can use."""

import json
from typing import Annotated

import typer

from lnlbench.cli.options.execution import Json

app = typer.Typer()


@app.callback(invoke_without_command=True)
def backbones(context: typer.Context, as_json: Json = False) -> None:
    """List the networks with their sizes, and pretrained networks; `show NAME` describes one."""
    if context.invoked_subcommand is not None:
        return
    from lnlbench.networks import BACKBONES
    from lnlbench.networks.kept import describe_backbone

    described = [describe_backbone(name) for name in sorted(BACKBONES)]
    pretrained = pretrained_backbones()
    if as_json:
        document = {"backbones": described, "pretrained": pretrained}
        typer.echo(json.dumps(document, indent=2, sort_keys=True))
        return
    from lnlbench.system.listing import print_listing

    rows = [
        (each["name"], f"{each['parameters'] / 1e6:.2f} M parameters at 100 classes")
        for each in described
    ]
    rows.append(("timm:NAME", "any network that timm builds, for example timm:resnet10t"))
    print_listing(("", ""), rows)
    typer.echo()
    title = "Pretrained, for --frozen and --pretrained, without a model hub:"
    provided = [(f"{name}, pretrained on {data}",) for name, data in pretrained.items()]
    no_plugin = "not installed; plugins such as lnlbench-efficientnet-lite provide them"
    print_listing(("",), provided or [(no_plugin,)], title=title)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="The network's name, such as `resnet34`.")],
    as_json: Json = False,
) -> None:
    """Describe one network: what it is, and its size at 100 classes and 32x32 pixels."""
    from lnlbench.networks.kept import describe_backbone

    described = describe_backbone(name)
    pretrained = pretrained_backbones()
    if name in pretrained:
        described["pretrained"] = pretrained[name]
    if as_json:
        typer.echo(json.dumps(described, indent=2, sort_keys=True))
        return
    from lnlbench.system.listing import print_listing

    rows = [
        (field, f"{value:,}" if isinstance(value, int) else value)
        for field, value in described.items()
    ]
    print_listing(("", ""), rows)


def pretrained_backbones() -> dict[str, str]:
    """The networks whose weights installed plugins provide, with the data that trained them."""
    from lnlbench.plugins import load_plugins

    provided = load_plugins().backbones
    return {name: provided[name].pretrained_on for name in sorted(provided)}
