"""`lnlbench leaderboard`: make the tables from the results, show them, or check them."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lnlbench.errors import RunError, UsageError, unknown_name
from lnlbench.spec.axes import split_names

if TYPE_CHECKING:
    from lnlbench.results.audits import Audits
    from lnlbench.results.schema import Result
    from lnlbench.results.store import BadResult, ResultStore


class Format(StrEnum):
    """The formats that the command can print instead of a table for the terminal."""

    md = "md"
    csv = "csv"
    json = "json"
    svg = "svg"
    html = "html"


def leaderboard(
    track: Annotated[
        list[str] | None,
        typer.Option(help="Only these tracks, as a,b,c."),
    ] = None,
    format: Annotated[
        Format | None, typer.Option(help="Print this format instead of a table for the terminal.")
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Write no file; fail if a result or a table is not in order."),
    ] = False,
    output: Annotated[Path, typer.Option(help="The folder that holds leaderboards/results.")] = (
        Path()
    ),
) -> None:
    """Make the tables in leaderboards/ from the results, and show them."""
    if check and format is not None:
        raise UsageError("--check prints no table: give it without --format.")
    tracks = split_names(track or [])
    from lnlbench.leaderboard.check import conflicts, stale_files
    from lnlbench.leaderboard.contradictions import without_contradictions
    from lnlbench.results.audits import load_audits
    from lnlbench.results.store import ResultStore

    store = ResultStore(output / "leaderboards")
    results, bad = _selected(store, tracks)
    audits = load_audits(store.root)
    results, contradictions = without_contradictions(store, results)
    left_out = [file.reason for file in bad] + contradictions
    problems = conflicts(store, results)
    if check:
        problems += _denied(store, results)
        stale = stale_files(store, results, complete=not tracks, audits=audits)
        _refuse("The leaderboard is not in order", left_out + problems + stale)
        typer.echo(f"{len(results)} results and their tables are in order.")
        return
    for reason in left_out:
        typer.echo(f"Left out: {reason}", err=True)
    _refuse("These results cannot share a table", problems)
    _show(results, audits, format, _write(store, results, audits, complete=not tracks))


def _selected(
    store: "ResultStore", tracks: Sequence[str]
) -> tuple[list["Result"], list["BadResult"]]:
    results, bad = store.load_all()
    if not results and not bad:
        raise UsageError(
            f"There are no results in {store.folder}. "
            "Make one with `lnlbench run --track digits --method ce`, "
            "or name the folder that holds leaderboards/results with --output."
        )
    if not tracks:
        return results, bad
    known = {result.track for result in results if result.off_track is None}
    for name in tracks:
        if name not in known:
            hint = f"A track has a table once `lnlbench run --track {name} …` has finished."
            if any(result.track == name for result in results):
                hint = (
                    f"All results of {name} override the track, as by --epochs: they have no "
                    "table of their own, and `lnlbench leaderboard` without --track shows them."
                )
            raise unknown_name("track with results", name, known, hint)
    folders = [store.folder / name for name in tracks]
    return (
        [result for result in results if result.off_track is None and result.track in tracks],
        [file for file in bad if any(file.path.is_relative_to(folder) for folder in folders)],
    )


def _denied(store: "ResultStore", results: Sequence["Result"]) -> list[str]:
    from lnlbench.leaderboard.contradictions import refusal
    from lnlbench.plugins import known_plugins
    from lnlbench.spec.recorded import denied_by_code

    plugins = known_plugins()
    return [
        refusal(store, result, problem)
        for result in results
        for problem in denied_by_code(result, plugins)
    ]


def _refuse(what: str, problems: Sequence[str]) -> None:
    if problems:
        raise RunError(f"{what}:\n" + "\n".join(f"- {problem}" for problem in problems))


def _write(
    store: "ResultStore", results: Sequence["Result"], audits: "Audits", complete: bool
) -> list[Path]:
    from lnlbench.leaderboard.render.files import is_foreign, render
    from lnlbench.system.atomic import write_atomically

    pages = {store.root / name: text for name, text in render(results, complete, audits).items()}
    pages = {path: text for path, text in pages.items() if not is_foreign(path)}
    for path, text in pages.items():
        write_atomically(path, text.encode())
    return list(pages)


def _show(
    results: Sequence["Result"], audits: "Audits", format: Format | None, written: Sequence[Path]
) -> None:
    from lnlbench.leaderboard.render.files import combined_csv, combined_html, combined_json, render

    if format is Format.json:
        typer.echo(combined_json(results, audits))
    elif format is Format.csv:
        typer.echo(combined_csv(results), nl=False)
    elif format is Format.html:
        typer.echo(combined_html(results, audits), nl=False)
    elif format is Format.md:
        pages = render(results, complete=False, audits=audits).items()
        typer.echo("\n".join(text for name, text in pages if name.endswith(".md")), nl=False)
    elif format is Format.svg:
        from lnlbench.leaderboard.render.terminal_picture import picture

        typer.echo(picture(results))
    else:
        from lnlbench.leaderboard.render.terminal import WIDTH, show_all
        from lnlbench.system.console import Console

        console = Console()
        show_all(results, console if console.is_terminal else Console(width=WIDTH))
        typer.echo("Wrote " + ", ".join(str(path) for path in written))
