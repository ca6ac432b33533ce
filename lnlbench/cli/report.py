"""`lnlbench report`: a page for a run, or for a few runs side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lnlbench.errors import DataError, UsageError

if TYPE_CHECKING:
    from lnlbench.data.dataset import Dataset
    from lnlbench.leaderboard.page.suspects import Pictured, Suspect
    from lnlbench.results.schema import Result
    from lnlbench.runner.directory import RunDirectory


def report(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN_DIR…", help="Directories of finished runs.")
    ],
    output: Annotated[Path, typer.Option(help="The HTML file to write.")] = Path("report.html"),
    data_dir: Annotated[
        Path | None,
        typer.Option(envvar="LNLBENCH_DATA_DIR", help="Folder with the data, for thumbnails."),
    ] = None,
) -> None:
    """Write one self-contained HTML page about a run, or about up to 8 runs side by side.

    For runs made with --samples, the page also shows the training samples with
    the most doubtful labels.
    """
    from lnlbench.leaderboard.render.report import MAX_RUNS, report_page
    from lnlbench.runner.finished import finished_run
    from lnlbench.system.atomic import write_atomically

    if len(runs) > MAX_RUNS:
        raise UsageError(
            f"{len(runs)} runs were given, and a page compares at most {MAX_RUNS}. "
            "Name fewer; `lnlbench leaderboard --format html` shows all results."
        )
    results = [finished_run(path) for path in runs]
    suspects = {}
    for path, result in zip(runs, results, strict=True):
        found = _suspects(path, result, data_dir)
        if found is not None:
            suspects[result.fingerprint] = found
    page = report_page(_distinct(results), suspects)
    write_atomically(output, page.encode())
    typer.echo(f"Wrote {output}")


def _suspects(
    path: Path, result: "Result", data_dir: Path | None
) -> "tuple[list[Suspect], int] | None":
    """Find a run's doubtful samples. None: the run wrote no samples, or its data have no images."""
    if not (path / "samples.parquet").is_file():
        return None
    from lnlbench.leaderboard.page.suspects import find_suspects
    from lnlbench.runner.directory import RunDirectory
    from lnlbench.runner.samples import read_samples

    directory = RunDirectory(path)
    try:
        samples = read_samples(directory.samples_file, result.fingerprint)
        dataset = _dataset(directory, data_dir)
        if dataset.holds_features:
            return None
        return find_suspects(samples, pictured(dataset))
    except (DataError, UsageError) as error:
        # The page is useful without them.
        typer.echo(f"Without thumbnails of {path}: {error}", err=True)
        return None


def pictured(dataset: "Dataset") -> "Pictured":
    """The training samples of a data set in the form that a page needs."""
    from lnlbench.data.image_files import read_rows
    from lnlbench.leaderboard.page.suspects import Pictured

    # Given labels are not the truth, so the page does not know the true ones.
    truth = dataset.train_labels.tolist() if dataset.truth_known else None
    images = dataset.train_images
    return Pictured(
        dataset.classes, truth, lambda index: read_rows(images, slice(index, index + 1))[0].numpy()
    )


def _dataset(directory: "RunDirectory", data_dir: Path | None) -> "Dataset":
    from lnlbench.plugins import load_plugins
    from lnlbench.spec.run_data import RunData

    protocol = directory.read_spec().protocol
    return RunData(load_plugins(), data_dir).load(protocol, directory.read_locations())[0]


def _distinct(results: Sequence["Result"]) -> list["Result"]:
    return list({result.fingerprint: result for result in results}.values())
