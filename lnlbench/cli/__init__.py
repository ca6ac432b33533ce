"""The command line: one thin module per command; nothing heavy is imported before it is needed."""

import sys
from typing import Annotated

import typer

from lnlbench import __version__
from lnlbench.cli.backbones import app as backbones_app
from lnlbench.cli.bench import bench
from lnlbench.cli.data import app as data_app
from lnlbench.cli.datasets import app as datasets_app
from lnlbench.cli.embed import embed
from lnlbench.cli.leaderboard import leaderboard
from lnlbench.cli.methods import app as methods_app
from lnlbench.cli.mirrored import SETTINGS, mirrored
from lnlbench.cli.plan import plan
from lnlbench.cli.plugins import app as plugins_app
from lnlbench.cli.report import report
from lnlbench.cli.run import NOISES, run
from lnlbench.cli.sweep import sweep
from lnlbench.cli.tracks import app as tracks_app
from lnlbench.cli.tune import trial, tune
from lnlbench.cli.verify import verify
from lnlbench.errors import LnlbenchError

app = typer.Typer(
    name="lnlbench",
    help="Benchmark methods for learning with noisy labels, under one protocol.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command(epilog=NOISES)(run)
app.command()(sweep)
app.command(hidden=True, context_settings=SETTINGS)(mirrored)
app.command()(plan)
app.command()(tune)
app.command(hidden=True)(trial)
app.command()(leaderboard)
app.command()(report)
app.command()(verify)
app.command()(embed)
app.command()(bench)
app.add_typer(methods_app, name="methods")
app.add_typer(tracks_app, name="tracks")
app.add_typer(datasets_app, name="datasets")
app.add_typer(backbones_app, name="backbones")
app.add_typer(data_app, name="data")
app.add_typer(plugins_app, name="plugins")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lnlbench {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """Benchmark methods for learning with noisy labels, under one protocol."""


def main() -> None:
    """Run a command; a known error is its message and its exit code, never a traceback."""
    try:
        app()
    except LnlbenchError as error:
        sys.stderr.write(f"Error: {printable_lines(str(error))}\n")
        sys.exit(error.exit_code)


def printable_lines(text: str) -> str:
    """Text of foreign origin without control characters, which could rewrite the terminal."""
    return "".join(
        char if char.isprintable() or char == "\n" else repr(char)[1:-1] for char in text
    )
