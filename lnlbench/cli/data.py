"""`lnlbench data`: fetch the files of data sets, and check a folder that holds them."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Fetch and check the files of a data set.")

Name = Annotated[str, typer.Argument(help="Data set, for example cifar100n or cifar10n.")]
DataDirectory = Annotated[
    Path | None,
    typer.Option(
        help="Folder with the files; default: LNLBENCH_DATA_DIR, else a folder in the user's cache."
    ),
]


@app.command()
def fetch(name: Name, data_dir: DataDirectory = None) -> None:
    """Download missing files from their official places, and verify them."""
    from lnlbench.data.fetch import fetch as fetch_files
    from lnlbench.data.location import resolve_data_dir
    from lnlbench.data.names import canonical_name
    from lnlbench.system.console import Console

    folder = resolve_data_dir(data_dir).path
    new = fetch_files(canonical_name(name), folder)
    console = Console(soft_wrap=True, highlight=False)
    for path in new:
        console.print(f"fetched {path}", markup=False)
    if not new:
        console.print(f"{name}: no file is missing.", markup=False)


@app.command()
def check(name: Name, data_dir: DataDirectory = None) -> None:
    """Read every file of a data set, and compare it with its published checksum."""
    from lnlbench.data.check import check_dataset
    from lnlbench.system.listing import print_listing

    report = check_dataset(name, data_dir)
    if report.files:
        files = [(each.file, f"{each.size:,}", each.sha256, each.verdict) for each in report.files]
        print_listing(("file", "bytes", "sha256", "verdict"), files, title=str(report.folder))
    print_listing(("checked", "found"), report.facts, title=report.name)
    for note in report.notes:
        typer.echo(f"Note: {note}")
