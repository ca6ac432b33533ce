"""`lnlbench datasets [show NAME]`: the data sets, and the noises that each can have."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lnlbench.cli.options.execution import Json
from lnlbench.cli.options.lists import asks_for_list

if TYPE_CHECKING:
    from lnlbench.interface.data_source import DataSource

app = typer.Typer()


@app.callback(invoke_without_command=True)
def datasets(context: typer.Context, as_json: Json = False) -> None:
    """List the data sets and the noises; `lnlbench datasets show NAME` explains one."""
    if not asks_for_list(context):
        return
    from lnlbench.data import dataset_names
    from lnlbench.noise import noise_names, noise_sentences

    summaries = [describe_dataset(name) for name in dataset_names()]
    provided = [describe_source(source) for source in provided_sources().values()]
    if as_json:
        document = {"datasets": summaries, "provided": provided, "noise": noise_names()}
        typer.echo(json.dumps(document, indent=2, sort_keys=True))
        return
    from lnlbench.system.listing import print_listing

    rows = [
        (each["name"], each["classes"], ", ".join(each["human_noise"]) or "-", each["title"])
        for each in summaries
    ]
    rows += [(each["name"], "-", "-", each["title"]) for each in provided]
    print_listing(("data set", "classes", "human noise", "what it is"), rows)
    rate = "RATE, from 0 to below 1, is the probability that a label moves: symmetric:0.4."
    typer.echo()
    print_listing(("--noise", "what it is"), list(noise_sentences().items()), title=rate)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="The data set's name, such as `cifar100n`.")],
    as_json: Json = False,
) -> None:
    """Explain one data set: its names, its classes, and the noises that it can have."""
    from lnlbench.data import DATASETS

    # Plugins may import torch: ask them only for a data set that lnlbench does not have itself.
    own = any(name in (each, *info.aliases) for each, info in DATASETS.items())
    sources = {} if own else provided_sources()
    details = describe_source(sources[name]) if name in sources else describe_dataset(name)
    if as_json:
        typer.echo(json.dumps(details, indent=2, sort_keys=True))
        return
    from lnlbench.system.listing import print_listing

    settings = details.pop("settings", [])
    rows = [
        (field, ", ".join(value) or "-" if isinstance(value, list) else value)
        for field, value in details.items()
    ]
    print_listing(("", ""), rows)
    for each in settings:
        bounds = f", {each['bounds']}" if each["bounds"] else ""
        default = "required" if each["required"] else f"default {each['default']}"
        about = f"({each['type']}{bounds}; {default}) {each['description']}"
        typer.echo(f"--set-data {each['name']}=…  {about}")


def provided_sources() -> "dict[str, DataSource]":
    """The data sets of plugins, by name."""
    from lnlbench.plugins import known_plugins

    sources = known_plugins().datasets
    return {name: sources[name] for name in sorted(sources)}


def describe_source(source: "DataSource") -> dict[str, Any]:
    """The plugin's description of its data set, and the settings of the data set."""
    from lnlbench.interface.described import describe_params
    from lnlbench.system.text import printable

    return {
        "name": source.name,
        "title": printable(source.title),
        "settings": [
            each | {"required": source.params.model_fields[each["name"]].is_required()}
            for each in describe_params(source.params)
        ],
    }


def describe_dataset(name: str) -> dict[str, Any]:
    """What is known about a data set before reading it; UsageError if there is no such data set."""
    from lnlbench.data import DATASETS, canonical_name
    from lnlbench.noise.spec import MAPPED, RATED

    canonical = canonical_name(name)
    info = DATASETS[canonical]
    rated = [f"{kind}:RATE" for kind in RATED if kind not in MAPPED or kind in info.maps]
    return {
        "name": canonical,
        "title": info.title,
        "aliases": list(info.aliases),
        "classes": info.num_classes,
        "human_noise": list(info.human_noise),
        "noise": ["clean", *(["matched"] if info.human_noise else []), *rated],
    }
