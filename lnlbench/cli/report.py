"""`lnlbench report`: a page for a run, or for a few runs beside each other."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lnlbench.errors import DataError, UsageError

if TYPE_CHECKING:
    from lnlbench.results.schema import Result


def report(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN_DIR…", help="Directories of finished runs.")
    ],
    output: Annotated[Path, typer.Option(help="The HTML file to write.")] = Path("report.html"),
) -> None:
    """Write one self-contained HTML page on a run, or on up to 8 runs beside each other."""
    from lnlbench.leaderboard.report import MAX_RUNS, report_page
    from lnlbench.results.atomic import write_atomically

    if len(runs) > MAX_RUNS:
        raise UsageError(
            f"{len(runs)} runs were given, and a page compares at most {MAX_RUNS}. "
            "Name fewer; `lnlbench leaderboard --format html` shows all results."
        )
    page = report_page(_distinct([_finished(path) for path in runs]))
    write_atomically(output, page.encode())
    typer.echo(f"Wrote {output}")


def _finished(path: Path) -> "Result":
    from lnlbench.results.store import read_result

    if not path.is_dir() or not (path / "spec.json").is_file():
        missing = "it holds no spec.json" if path.is_dir() else "there is no such directory"
        raise UsageError(
            f"{path} is no run directory: {missing}. Give a directory that 'lnlbench run' "
            f"printed, for example runs/digits/ce/matched-seed0-1a2b3c4d.{_below(path)}"
        )
    again = f"`lnlbench run --resume {path}` goes on with it."
    file = path / "result.json"
    if not file.exists():
        raise UsageError(f"The run in {path} is not finished: it has no result.json. {again}")
    try:
        result = read_result(file)
    except DataError as error:
        raise DataError(f"{error}. Delete it; {again}") from error
    if result.status != "done":
        raise UsageError(f"The run in {path} has no result: it {_ended(result)}. {again}")
    return result


def _below(path: Path) -> str:
    """A hint at runs further down, for those who named runs/ itself."""
    found = sorted(spec.parent for spec in path.glob("*/*/*/spec.json")) if path.is_dir() else []
    found += sorted(spec.parent for spec in path.glob("*/spec.json")) if path.is_dir() else []
    return f" Below it is {found[0]}." if found else ""


def _ended(result: "Result") -> str:
    verb = {"diverged": "diverged", "failed": "failed"}.get(result.status, "was interrupted")
    return f"{verb} ({(result.error or '')[:200]})"


def _distinct(results: Sequence["Result"]) -> list["Result"]:
    return list({result.fingerprint: result for result in results}.values())
