"""`lnlbench verify RESULT…`: repeat runs from their results' specs, and compare the numbers."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lnlbench.errors import EXIT_FAILED

if TYPE_CHECKING:
    from lnlbench.results import Result
    from lnlbench.results.comparison import Comparison

_SHOWN = 4


def verify(
    results: Annotated[list[Path], typer.Argument(help="Result files; each run is repeated.")],
    tolerance: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            help="Largest difference of the ranked accuracy on other hardware or versions.",
        ),
    ] = 0.02,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    data_dir: Annotated[
        Path | None, typer.Option(envvar="LNLBENCH_DATA_DIR", help="Folder with the data files.")
    ] = None,
    set_data: Annotated[
        list[str] | None,
        typer.Option(
            "--set-data", help="Where the data of a plugin lie now, if they have moved: root=DIR."
        ),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Pretrained weights: a .safetensors or .pth file.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object; progress on standard error.")
    ] = False,
) -> None:
    """Repeat runs from the specs in their results, and compare the results.

    The results must be equal to the last bit or, on other hardware, within a
    tolerance.
    """
    from lnlbench.interface.params import parse_assignments
    from lnlbench.networks.weight_sources import WeightSources
    from lnlbench.plugins import load_plugins
    from lnlbench.results.comparison import compare
    from lnlbench.results.store import read_result
    from lnlbench.runner.devices import resolve_device
    from lnlbench.runner.options import RunOptions
    from lnlbench.runner.series import choose_display
    from lnlbench.runner.verify import run_again, spec_to_repeat
    from lnlbench.spec.run_data import RunData
    from lnlbench.system.console import Console

    old_results = {file: read_result(file) for file in results}
    plugins = load_plugins()
    data = RunData(plugins, data_dir, parse_assignments(set_data or [], "--set-data"))
    options = RunOptions(resolve_device(device), WeightSources(weights, plugins.backbones))
    console = Console(stderr=as_json, highlight=False)
    # All of them first: a run takes hours, and its comparison must not be lost to a later file.
    specs = {file: spec_to_repeat(file, old, plugins) for file, old in old_results.items()}
    comparisons: dict[Path, Comparison] = {}
    for file, old in old_results.items():
        display = choose_display(console, quiet)
        try:
            new = run_again(file, specs[file], old, plugins, data, options, display)
        finally:
            display.close()
        comparisons[file] = compare(old, new, tolerance)
        if not as_json:
            typer.echo(f"{file}: {describe(old, new, comparisons[file])}")
    if as_json:
        document = {str(file): _document(each) for file, each in comparisons.items()}
        typer.echo(json.dumps({"results": document}, indent=2, sort_keys=True))
    if not all(each.verdict in ("equal", "close") for each in comparisons.values()):
        raise typer.Exit(EXIT_FAILED)


def describe(old: "Result", new: "Result", comparison: "Comparison") -> str:
    """A line that compares the new result with the old one, and says why they may differ."""
    if comparison.off_by is None:
        return f"NOT VERIFIED: the new run ended as {new.status!r}: {new.error}"
    if comparison.verdict == "equal":
        return "equal to the last bit: every curve and score"
    within = comparison.verdict == "close"
    names = ", ".join(comparison.differing[:_SHOWN])
    rest = len(comparison.differing) - _SHOWN
    more = f" and {rest} more" if rest > 0 else ""
    causes = "; ".join(comparison.causes)
    why = causes or "hardware, versions and the method's code are the same as far as recorded"
    return (
        f"{'within the tolerance' if within else 'DIFFERENT'}: the ranked accuracy is "
        f"{100 * (new.scores.test_accuracy_last10 or 0):.2f} % and was "
        f"{100 * (old.scores.test_accuracy_last10 or 0):.2f} %, off by "
        f"{100 * comparison.off_by:.2f} points of {100 * comparison.tolerance:.2f} allowed; "
        f"not equal to the last bit: {names}{more} ({why})"
    )


def _document(comparison: "Comparison") -> dict[str, Any]:
    return {
        "verdict": comparison.verdict,
        "off_by": comparison.off_by,
        "tolerance": comparison.tolerance,
        "differing": list(comparison.differing),
        "causes": list(comparison.causes),
    }
