"""`lnlbench plugins [check NAME | new NAME]`: list the plugins, check one, or begin a new one."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from lnlbench.cli.options.execution import Json
from lnlbench.cli.options.lists import asks_for_list
from lnlbench.errors import EXIT_FAILED

app = typer.Typer()


@app.callback(invoke_without_command=True)
def plugins(
    context: typer.Context,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 if a plugin failed to load.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the installed plugins, what they provide, and why any of them failed to load.

    `lnlbench plugins check NAME` checks a plugin, and `lnlbench plugins new NAME`
    writes a new one.
    """
    if not asks_for_list(context):
        return
    from lnlbench.plugins import known_plugins
    from lnlbench.plugins.describe import plugin_report

    loaded = known_plugins()
    report = plugin_report(loaded)
    if as_json:
        typer.echo(json.dumps(report, indent=2, sort_keys=True))
    else:
        _print_report(report)
    if strict and loaded.errors:
        raise typer.Exit(1)


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="Name of an installed distribution or of a method.")],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Parameter of the method in all runs, key=value."),
    ] = None,
    set_data: Annotated[
        list[str] | None, typer.Option("--set-data", help="Setting of a data set, key=value.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check everything that a plugin provides; exits with 1 if a check fails.

    A slow method takes minutes.
    """
    from lnlbench.interface.params import parse_assignments
    from lnlbench.plugins import load_plugins
    from lnlbench.testing.plugins import examine

    params, data = parse_assignments(set_ or []), parse_assignments(set_data or [], "--set-data")
    passed, documents = True, []
    for report in examine(load_plugins(), name, params, data):
        passed = passed and report.passed
        documents.append(report.document())
        if not as_json:
            typer.echo(f"{report}\n")
    if as_json:
        typer.echo(json.dumps({"passed": passed, "reports": documents}, indent=2, sort_keys=True))
    if not passed:
        raise typer.Exit(EXIT_FAILED)


@app.command()
def new(
    name: Annotated[
        str, typer.Argument(help="Name of the plugin; `trim` makes the package lnlbench-trim.")
    ],
    kind: Annotated[
        str,
        typer.Option(
            help="What the plugin provides: loss, two-network, backbone, network or dataset."
        ),
    ] = "loss",
    output: Annotated[
        Path, typer.Option(help="Folder in which to make the folder of the package.")
    ] = Path(),
    licence: Annotated[
        str,
        typer.Option("--license", help="License of the package: MIT, BSD-3-Clause or Apache-2.0."),
    ] = "MIT",
    author: Annotated[
        str | None,
        typer.Option(help="Holder of the copyright; default: the authors of the package."),
    ] = None,
) -> None:
    """Write a complete plugin package that installs and passes its own tests."""
    from lnlbench.plugins.scaffold import write_plugin

    folder = write_plugin(name, kind, output, licence, author)
    typer.echo(f"Wrote {folder}. Install, test and check it:")
    typer.echo(f"  pip install -e '{folder}[test]'")
    typer.echo(f"  pytest {folder}")
    typer.echo(f"  lnlbench plugins check {folder.name}")


def _print_report(report: dict[str, list[dict[str, Any]]]) -> None:
    from lnlbench.system.listing import print_listing

    columns = {"loaded": "provides", "failed": "reason", "skipped": "left out by"}
    for status, plugins in report.items():
        if not plugins:
            continue
        rows = []
        for plugin in plugins:
            if "methods" in plugin:
                kinds = ("methods", "backbones", "datasets", "tracks")
                last = ", ".join(name for kind in kinds for name in plugin[kind])
            else:
                last = plugin.get("reason", "LNLBENCH_PLUGINS")
            rows.append((plugin["distribution"], plugin["version"], plugin["entry_point"], last))
        headings = ("distribution", "version", "entry point", columns[status])
        print_listing(headings, rows, title=f"{status}:")
