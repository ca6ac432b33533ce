"""`lnlbench plugins`: what is installed, what loaded, and why the rest did not."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from lnlbench.plugins import Origin, Plugins


def plugins(
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 when a plugin failed to load.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the installed plugins, what they provide, and why any of them failed to load."""
    from lnlbench.plugins import load_plugins

    loaded = load_plugins()
    report = plugin_report(loaded)
    if as_json:
        typer.echo(json.dumps(report, indent=2, sort_keys=True))
    else:
        from rich.console import Console

        _print_report(report, Console())
    if strict and loaded.errors:
        raise typer.Exit(1)


def plugin_report(plugins: "Plugins") -> dict[str, list[dict[str, Any]]]:
    """Plain data on every plugin: `loaded` and its names, `failed` with the reason, `skipped`."""

    def provided(origins: "dict[str, Origin]", origin: "Origin") -> list[str]:
        return sorted(name for name, place in origins.items() if place == origin)

    return {
        "loaded": [
            vars(origin)
            | {"methods": provided(plugins.origins, origin)}
            | {"backbones": provided(plugins.backbone_origins, origin)}
            for origin in plugins.loaded
        ],
        "failed": [vars(error.origin) | {"reason": error.reason} for error in plugins.errors],
        "skipped": [dict(vars(origin)) for origin in plugins.skipped],
    }


def _print_report(report: dict[str, list[dict[str, Any]]], console: "Console") -> None:
    from rich.table import Table
    from rich.text import Text

    columns = {"loaded": "provides", "failed": "reason", "skipped": "left out by"}
    for status, plugins in report.items():
        if not plugins:
            continue
        console.print(f"{status}:")
        table = Table("distribution", "version", "entry point", columns[status], box=None)
        for plugin in plugins:
            if "methods" in plugin:
                last = ", ".join(plugin["methods"] + plugin["backbones"])
            else:
                last = plugin.get("reason", "LNLBENCH_PLUGINS")
            cells = (plugin["distribution"], plugin["version"], plugin["entry_point"], last)
            # Text, not str: foreign text in brackets is not rich markup.
            table.add_row(*(Text(cell, overflow="fold") for cell in cells))
        console.print(table)
