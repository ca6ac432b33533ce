"""`lnlbench backbones [show NAME]`: the networks that a run can use."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lnlbench.cli.options.execution import Json
from lnlbench.cli.options.lists import asks_for_list

if TYPE_CHECKING:
    from lnlbench.plugins import Catalogue

app = typer.Typer()


@app.callback(invoke_without_command=True)
def backbones(context: typer.Context, as_json: Json = False) -> None:
    """List the networks with their sizes, and pretrained networks; `show NAME` describes one."""
    if not asks_for_list(context):
        return
    from lnlbench.networks import BACKBONES
    from lnlbench.plugins import known_plugins

    plugins = known_plugins()
    own = [name for name, each in plugins.backbones.items() if each.build is not None]
    described = [describe(name, plugins) for name in sorted([*BACKBONES, *own])]
    pretrained = pretrained_backbones(plugins)
    if as_json:
        document = {"backbones": described, "pretrained": pretrained}
        typer.echo(json.dumps(document, indent=2, sort_keys=True))
        return
    from lnlbench.system.listing import print_listing

    rows = [
        (
            each["name"],
            f"{each['parameters'] / 1e6:.2f} M parameters at 100 classes",
            each["distribution"],
        )
        for each in described
    ]
    rows.append(("timm:NAME", "any network that timm builds, for example timm:resnet10t", "timm"))
    print_listing(("", "", ""), rows)
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
    from lnlbench.plugins import known_plugins

    plugins = known_plugins()
    described = describe(name, plugins)
    pretrained = pretrained_backbones(plugins)
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


def describe(name: str, plugins: "Catalogue") -> dict[str, Any]:
    """A network's description, number of weights, and the distribution that it comes with.

    Raises:
        UsageError: there is no such network, or it cannot be built.
    """
    from lnlbench.networks import BACKBONES, check_backbone
    from lnlbench.networks.kept import describe_backbone

    check_backbone(name, plugins.backbones)
    own = plugins.backbones.get(name)
    if own is None or own.build is None:
        distribution = "lnlbench" if name in BACKBONES else "timm"
        return describe_backbone(name) | {"distribution": distribution}
    from lnlbench.networks.build import build_backbone

    network = build_backbone(name, 100, 3, 32, plugins.backbones)
    return {
        "name": name,
        "description": (own.build.__doc__ or "").strip().partition("\n")[0],
        "parameters": sum(weight.numel() for weight in network.parameters()),
        "distribution": plugins.backbone_origins[name].distribution,
    }


def pretrained_backbones(plugins: "Catalogue") -> dict[str, str]:
    """The networks whose weights installed plugins provide, with the data that trained them."""
    provided = plugins.backbones
    return {
        name: provided[name].pretrained_on
        for name in sorted(provided)
        if provided[name].weights is not None
    }
