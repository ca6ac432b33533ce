"""The command line: a thin module for each command, which imports heavy modules when it runs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from lnlbench import __version__
from lnlbench.cli.audit import app as audit_app
from lnlbench.cli.backbones import app as backbones_app
from lnlbench.cli.bench import bench
from lnlbench.cli.completion import answer_shells, completion
from lnlbench.cli.data import app as data_app
from lnlbench.cli.datasets import app as datasets_app
from lnlbench.cli.embed import embed
from lnlbench.cli.export import export
from lnlbench.cli.leaderboard import leaderboard
from lnlbench.cli.methods import app as methods_app
from lnlbench.cli.mirrored import SETTINGS, mirrored
from lnlbench.cli.options.protocol import NOISES
from lnlbench.cli.plan import plan
from lnlbench.cli.plugins import app as plugins_app
from lnlbench.cli.predict import predict
from lnlbench.cli.report import report
from lnlbench.cli.run import run
from lnlbench.cli.status import status
from lnlbench.cli.sweep import sweep
from lnlbench.cli.tracks import app as tracks_app
from lnlbench.cli.tune import trial, tune
from lnlbench.cli.verify import verify
from lnlbench.errors import EXIT_FAILED, LnlbenchError
from lnlbench.system.terminal import safe_streams
from lnlbench.system.text import printable_lines, shortened
from lnlbench.system.waiting import wait_passively


class _Group(TyperGroup):
    """The commands; messages escape what they quote from a wrong command line."""

    def make_context(self, *arguments: Any, **settings: Any) -> Any:
        """Parse the options that come before the command."""
        with _escaped_usage_errors():
            return super().make_context(*arguments, **settings)

    def invoke(self, *arguments: Any, **settings: Any) -> Any:
        """Parse the options of a command, and run it."""
        with _escaped_usage_errors():
            return super().invoke(*arguments, **settings)


@contextmanager
def _escaped_usage_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        message = getattr(error, "message", None)
        if hasattr(
            error, "format_message"
        ):  # an error in the command line, in any version of typer
            vars(error)["message"] = printable_lines(shortened(str(message)))
        raise


app = typer.Typer(
    cls=_Group,
    name="lnlbench",
    help="Benchmark methods for learning with noisy labels, under one protocol.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command(epilog=NOISES)(run)
app.command(epilog=NOISES)(sweep)
app.command(hidden=True, context_settings=SETTINGS)(mirrored)
app.command(epilog=NOISES)(plan)
app.command()(tune)
app.command(hidden=True)(trial)
app.command()(leaderboard)
app.command()(status)
app.command()(report)
app.command()(verify)
app.command()(export)
app.command()(predict)
app.command()(embed)
app.command()(bench)
app.command()(completion)
app.add_typer(audit_app, name="audit")
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
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and stop."
        ),
    ] = False,
) -> None:
    """Benchmark methods for learning with noisy labels, under one protocol."""


def main() -> None:
    """Run a command; for a known error, print its message and return its exit code."""
    wait_passively()
    with safe_streams() as output:
        code = _exit_code()
        output.flush()
        if output.failure is not None and not code:
            code = EXIT_FAILED
            # A reader may stop early, as in 'lnlbench leaderboard | head': that is no error.
            if not isinstance(output.failure, BrokenPipeError):
                reason = output.failure.strerror
                sys.stderr.write(f"Error: Cannot write to standard output: {reason}.\n")
    sys.exit(code)


def _exit_code() -> int:
    answer_shells()
    try:
        app()
    except LnlbenchError as error:
        sys.stderr.write(f"Error: {shortened(str(error))}\n")
        return error.exit_code
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else EXIT_FAILED if end.code else 0
    return 0
