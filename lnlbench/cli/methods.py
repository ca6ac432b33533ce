"""`lnlbench methods [show NAME]`: the methods of all plugins, and their parameters."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lnlbench.cli.options import names
from lnlbench.cli.options.execution import Json
from lnlbench.cli.options.lists import asks_for_list

if TYPE_CHECKING:
    from lnlbench.results.store import ResultStore

app = typer.Typer()


@app.callback(invoke_without_command=True)
def methods(context: typer.Context, as_json: Json = False) -> None:
    """List the methods; `lnlbench methods show NAME` explains one.

    A recipe NAME@TRACK takes the place of the recipe NAME on that track.
    """
    if not asks_for_list(context):
        return
    from lnlbench.plugins import known_plugins
    from lnlbench.plugins.describe import method_summary

    plugins = known_plugins()
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
    name: Annotated[
        str, typer.Argument(help="The method's name, such as `ce`.", autocompletion=names.methods)
    ],
    as_json: Json = False,
    output: Annotated[
        Path, typer.Option(help="The folder that holds leaderboards/results, for the cost.")
    ] = Path(),
) -> None:
    """Explain one method: its parameters, recipes, privileged knowledge, cost and paper.

    The cost is the wall time divided by the time of plain cross-entropy, both
    measured on the same track and hardware.
    """
    from lnlbench.plugins import known_plugins
    from lnlbench.plugins.describe import method_details
    from lnlbench.results.store import ResultStore

    details = method_details(known_plugins(), name)
    details["cost"] = measured_costs(ResultStore(output / "leaderboards"), name)
    if as_json:
        typer.echo(json.dumps(details, indent=2, sort_keys=True))
    else:
        _print_details(details)


def measured_costs(store: "ResultStore", name: str) -> list[dict[str, Any]]:
    """A method's time against cross-entropy's on each track that has results of both."""
    from lnlbench.leaderboard.cost import relative_costs

    return [
        {**asdict(cost), "hardware": list(cost.hardware), "times_ce": cost.times_ce}
        for cost in relative_costs(store, name)
    ]


def _print_methods(summaries: list[dict[str, Any]]) -> None:
    from lnlbench.system.listing import print_listing

    brought: dict[str, list[tuple[object, ...]]] = {}
    for each in summaries:
        row = (
            *(each["name"], each["networks"], ", ".join(each["oracle"]) or "-"),
            _without_link(each["reference"]),
        )
        brought.setdefault(each["distribution"], []).append(row)
    for distribution in sorted(brought, key=lambda name: (name != "lnlbench", name)):
        headings = ("name", "networks", "oracle", "paper")
        print_listing(headings, brought[distribution], title=f"{distribution}:")
        typer.echo()
    more = "`lnlbench methods show NAME` has parameters, recipes, the cost and the paper's link."
    print_listing(("",), [(more,)])


def _without_link(reference: str) -> str:
    """A paper without the address at its end, which no column has room for."""
    paper, _, last = reference.rpartition(", ")
    return paper if paper and "/" in last and " " not in last else reference


def _describe_cost(cost: dict[str, Any]) -> str:
    from lnlbench.leaderboard.cost import PROCESSOR

    recipe = "" if cost["recipe"] == "matched" else f" with recipe {cost['recipe']}"
    seeds = "1 seed" if cost["seeds"] == 1 else f"{cost['seeds']} seeds"
    time = "processor time" if cost["time"] == PROCESSOR else "time"
    return (
        f"{cost['times_ce']:.2f} x the {time} of ce on {cost['track']}{recipe} "
        f"({cost['seconds']:.0f} s against {cost['baseline_seconds']:.0f} s, {seeds}, "
        f"{'; '.join(cost['hardware'])})"
    )


def _print_details(details: dict[str, Any]) -> None:
    from lnlbench.system.listing import print_listing

    facts = []
    for key in ("name", "description", "reference", "networks", "oracle", "distribution"):
        value = details[key]
        if key == "distribution":
            value = f"{value} {details['version']}"
        facts.append((key, (", ".join(value) or "-") if isinstance(value, list) else value))
    facts += [("cost", _describe_cost(cost)) for cost in details["cost"]]
    if not details["cost"]:
        nothing = "not measured: there are no results of this method and of ce on the same hardware"
        facts.append(("cost", nothing))
    print_listing(("", ""), facts)

    parameters = details["parameters"]
    typer.echo("\nparameters (--set name=value)" if parameters else "\nno parameters")
    if parameters:
        about = [
            (
                *(each["name"], each["type"], each["bounds"]),
                json.dumps(each["default"], ensure_ascii=False),
                *(each["search"] or "", each["description"]),
            )
            for each in parameters
        ]
        print_listing(("name", "type", "bounds", "default", "tuned over", "description"), about)

    recipes = details["recipes"]
    typer.echo("\nrecipes" if recipes else "\nno recipes besides matched")
    if recipes:
        rows = [
            (key, json.dumps(each["params"]), json.dumps(each["schedule"]), each["note"])
            for key, each in recipes.items()
        ]
        print_listing(("name", "parameters", "schedule", "note"), rows)
