"""`lnlbench methods [show NAME]`: the methods of all plugins, and the parameters of each."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lnlbench.cli.options.execution import Json

if TYPE_CHECKING:
    from rich.table import Table

    from lnlbench.results.store import ResultStore

app = typer.Typer()


@app.callback(invoke_without_command=True)
def methods(context: typer.Context, as_json: Json = False) -> None:
    """List the methods; `lnlbench methods show NAME` explains one."""
    if context.invoked_subcommand is not None:
        return
    from lnlbench.plugins import load_plugins
    from lnlbench.plugins.describe import method_summary

    plugins = load_plugins()
    summaries = [method_summary(plugins, name) for name in sorted(plugins.methods)]
    if as_json:
        typer.echo(json.dumps({"methods": summaries}, indent=2, sort_keys=True))
    else:
        _print_methods(summaries)
    if plugins.errors:
        typer.echo(
            f"Plugin problems: {len(plugins.errors)}. `lnlbench plugins` shows them.",
            err=True,
        )


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="The method's name, such as `ce`.")],
    as_json: Json = False,
    output: Annotated[
        Path, typer.Option(help="The folder that holds leaderboards/results, for the cost.")
    ] = Path(),
) -> None:
    """Explain one method: its parameters, recipes, privileged knowledge, cost and paper.

    The cost is wall time as a multiple of plain cross-entropy's, measured on one track and hardware
    and never estimated.
    """
    from lnlbench.plugins import load_plugins
    from lnlbench.plugins.describe import method_details
    from lnlbench.results.store import ResultStore

    details = method_details(load_plugins(), name)
    details["cost"] = measured_costs(ResultStore(output / "leaderboards"), name)
    if as_json:
        typer.echo(json.dumps(details, indent=2, sort_keys=True))
    else:
        _print_details(details)


def measured_costs(store: "ResultStore", name: str) -> list[dict[str, Any]]:
    """A method's time beside cross-entropy's on each track where both were measured."""
    from lnlbench.leaderboard.cost import relative_costs

    return [
        {**asdict(cost), "hardware": list(cost.hardware), "times_ce": cost.times_ce}
        for cost in relative_costs(store, name)
    ]


def _table(*columns: str) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _add(table: "Table", *cells: Any) -> None:
    from rich.text import Text

    from lnlbench.system.text import printable

    # Text, not str: a foreign description in brackets is not rich markup.
    table.add_row(*(Text(printable(cell)) for cell in cells))


def _print_methods(summaries: list[dict[str, Any]]) -> None:
    from lnlbench.system.console import Console

    table = _table("name", "networks", "oracle", "recipes", "distribution", "reference")
    for column in (0, 2, 4):
        table.columns[column].no_wrap = True
    for each in summaries:
        recipes, oracle = ", ".join(each["recipes"]), ", ".join(each["oracle"])
        _add(
            table,
            each["name"],
            each["networks"],
            oracle or "-",
            recipes or "-",
            each["distribution"],
            each["reference"],
        )
    console = Console()
    # In a file or pipe nothing limits the width, and one line a method is what tools want.
    console.print(table) if console.is_terminal else Console(width=200).print(table)


def _describe_cost(cost: dict[str, Any]) -> str:
    recipe = "" if cost["recipe"] == "matched" else f" with recipe {cost['recipe']}"
    seeds = "1 seed" if cost["seeds"] == 1 else f"{cost['seeds']} seeds"
    return (
        f"{cost['times_ce']:.2f} x the time of ce on {cost['track']}{recipe} "
        f"({cost['wall_seconds']:.0f} s against {cost['baseline_seconds']:.0f} s, {seeds}, "
        f"{'; '.join(cost['hardware'])})"
    )


def _print_details(details: dict[str, Any]) -> None:
    from lnlbench.system.console import Console

    console = Console()
    facts = _table("", "")
    facts.show_header = False
    for key in ("name", "description", "reference", "networks", "oracle", "distribution"):
        value = details[key]
        if key == "distribution":
            value = f"{value} {details['version']}"
        _add(facts, key, (", ".join(value) or "-") if isinstance(value, list) else value)
    for cost in map(_describe_cost, details["cost"]):
        _add(facts, "cost", cost)
    if not details["cost"]:
        _add(facts, "cost", "not measured: no results of it beside ce's on the same hardware here")
    console.print(facts)

    console.print("\nparameters (--set name=value)" if details["parameters"] else "\nno parameters")
    if details["parameters"]:
        table = _table("name", "type", "bounds", "default", "tuned over", "description")
        for each in details["parameters"]:
            default = json.dumps(each["default"], ensure_ascii=False)
            facts_ = (each["name"], each["type"], each["bounds"], default, each["search"] or "")
            _add(table, *facts_, each["description"])
        console.print(table)

    console.print("\nrecipes" if details["recipes"] else "\nno recipes besides matched")
    if details["recipes"]:
        table = _table("name", "parameters", "schedule", "note")
        for key, recipe in details["recipes"].items():
            params, schedule = (json.dumps(recipe[part]) for part in ("params", "schedule"))
            _add(table, key, params, schedule, recipe["note"])
        console.print(table)
