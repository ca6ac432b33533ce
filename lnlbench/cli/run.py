"""`lnlbench run`: turn options into specs, which `lnlbench.runner.series` executes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lnlbench.cli.options import names
from lnlbench.cli.options.execution import ExecutionOptions, JsonBesideProgress, Quiet
from lnlbench.cli.options.grouping import grouped
from lnlbench.cli.options.protocol import ProtocolOptions
from lnlbench.cli.options.runs import RunsOptions
from lnlbench.errors import EXIT_FAILED, UsageError
from lnlbench.spec.axes import parse_seeds, split_names

if TYPE_CHECKING:
    from lnlbench.spec.grid import Grid
    from lnlbench.spec.run_spec import RunSpec


@grouped
def run(
    runs: RunsOptions,
    protocol: ProtocolOptions,
    execution: ExecutionOptions,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of a single run; default: 0.")
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            help="Run directory to resume, or a folder: all runs in it resume.",
            autocompletion=names.run_folders,
        ),
    ] = None,
    spec: Annotated[
        Path | None,
        typer.Option(
            help="Run spec to execute: a JSON file, a result file, or - for standard input."
        ),
    ] = None,
    print_spec: Annotated[
        bool, typer.Option("--print-spec", help="Print the run specs, one on each line, and stop.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Repeat finished runs and replace their results.")
    ] = False,
    quiet: Quiet = False,
    as_json: JsonBesideProgress = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail if a plugin failed to load.")
    ] = False,
) -> None:
    """Train and evaluate methods; results go to <output>/leaderboards/results.

    The default track is cifar100n-resnet34. If an option changes the track or
    a parameter of the method, the result is off-track: it stays out of the
    track's table.
    """
    described = runs.say_which or protocol.given or seed is not None
    if (resume or spec) and (described or (resume and spec)):
        raise UsageError(
            "--resume and --spec each describe the whole run: give one of them, without "
            "--method, --track, --seed, --set or an override."
        )
    settings = runs.data_settings()
    grid = None if resume or spec else _grid(runs, protocol, seed)
    specs, output = _given_specs(resume, spec, execution.output)

    from lnlbench.networks.weight_sources import WeightSources
    from lnlbench.plugins import known_plugins
    from lnlbench.spec.expand import expand
    from lnlbench.spec.grid_data import GridData
    from lnlbench.spec.run_data import RunData

    known = known_plugins(strict)
    data = RunData(known, execution.data_dir, settings)
    if grid is not None:
        kept = GridData(known, kept=data)
        specs = expand([grid], known, execution.weights, kept, protocol.transfer())
    if print_spec:
        for each in specs:
            typer.echo(each.model_dump_json())
        return

    from lnlbench.loggers import make_logger
    from lnlbench.runner.devices import resolve_device
    from lnlbench.runner.options import RunOptions
    from lnlbench.runner.series import Series

    plugins = known.load()
    for name in split_names(execution.log or []):
        plugins.manager.register(make_logger(name), f"lnlbench:{name}")
    options = RunOptions(
        device=resolve_device(execution.device),
        weights=WeightSources(execution.weights, plugins.backbones),
        compiled=execution.compiled,
        samples=execution.samples,
        overwrite=overwrite,
        observers=plugins.manager,
        arguments=execution.absolute().arguments(),
    )
    outcomes = Series(plugins, output, data, options).execute(specs, quiet=quiet, machine=as_json)
    if not all(outcome.finished for outcome in outcomes):
        raise typer.Exit(EXIT_FAILED)


def _grid(runs: RunsOptions, protocol: ProtocolOptions, seed: int | None) -> "Grid":
    from lnlbench.tracks import DEFAULT_TRACK

    if not (split_names(runs.method or []) or runs.recipe_file):
        raise UsageError(
            "Name a method: lnlbench run --method ce --track digits. 'lnlbench methods' lists them."
        )
    if seed is not None and runs.seeds is not None:
        raise UsageError("Give --seed for one run or --seeds for several, not both.")
    seeds = [seed or 0] if runs.seeds is None else parse_seeds(runs.seeds)
    return runs.grid(protocol, seeds, DEFAULT_TRACK)


def _given_specs(
    resume: Path | None, spec: Path | None, output: Path
) -> "tuple[list[RunSpec], Path]":
    """The specs that the user gave as files, and the folder for their results."""
    if resume is not None:
        from lnlbench.runner.directory import resumable

        specs, home = resumable(resume)
        if output != Path() and output.resolve() != home.resolve():
            raise UsageError(
                f"--resume writes results where the runs began, in {home}, and --output says "
                f"{output}: leave --output out."
            )
        return specs, home
    if spec is None:
        return [], output
    from lnlbench.spec.run_spec import read_spec

    return [read_spec(spec)], output
