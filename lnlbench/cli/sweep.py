"""`lnlbench sweep`: execute the missing runs of a grid, several at once."""

from typing import Annotated

import typer

from lnlbench.cli.options.execution import DryRun, ExecutionOptions, JsonBesideProgress
from lnlbench.cli.options.executors import ExecutorOptions
from lnlbench.cli.options.grouping import grouped
from lnlbench.cli.options.protocol import ProtocolOptions
from lnlbench.cli.options.runs import RunsOptions, SweepFile, grids
from lnlbench.errors import EXIT_FAILED, UsageError


@grouped
def sweep(
    runs: RunsOptions,
    protocol: ProtocolOptions,
    execution: ExecutionOptions,
    executors: ExecutorOptions,
    file: SweepFile = None,
    time_limit: Annotated[
        str | None, typer.Option(help="Longest time of an attempt: seconds, or HH:MM:SS.")
    ] = None,
    memory_limit: Annotated[
        str | None, typer.Option(help="Limit of a run's resident memory, such as 4GiB.")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(help="Object store for results and checkpoints: s3://bucket/prefix."),
    ] = None,
    take_over: Annotated[
        str | None,
        typer.Option(
            help="Token that takes over the store of a sweep that died. A refused sweep prints it."
        ),
    ] = None,
    dry_run: DryRun = False,
    as_json: JsonBesideProgress = False,
) -> None:
    """Execute the missing runs of a grid; Ctrl-C stops, and the same command resumes.

    Every combination of methods, tracks, recipes, parameters and seeds is a run.
    """
    if take_over is not None and store is None:
        raise UsageError(
            "--take-over needs the store that the other sweep holds: give --store, too."
        )
    from lnlbench.sweep.limits import parse_limits

    meant = grids(file, runs, protocol)
    limits = parse_limits(time_limit, memory_limit)

    from lnlbench.plugins import known_plugins
    from lnlbench.spec.expand import expand
    from lnlbench.spec.grid_data import GridData
    from lnlbench.sweep.conduct import SweepSetting, conduct

    placement = executors.placement(execution.device)
    if placement.remote or store is not None:
        execution = execution.absolute()
    arguments = execution.arguments()
    plugins = known_plugins()
    data = GridData(plugins)
    specs = expand(meant, plugins, execution.weights, data, protocol.transfer())
    how = SweepSetting(
        placement=placement,
        limits=limits,
        retries=executors.retries,
        output=execution.output,
        data_dir=execution.data_dir,
        arguments=arguments,
        samples=execution.samples,
        store=store,
        take_over=take_over,
        as_json=as_json,
    )
    if not conduct(specs, plugins, data, how, dry_run):
        raise typer.Exit(EXIT_FAILED)
