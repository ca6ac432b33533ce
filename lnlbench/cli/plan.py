"""`lnlbench plan`: the missing runs as commands, one on each line, for any scheduler."""

import shlex

import typer

from lnlbench.cli.options.execution import ExecutionOptions
from lnlbench.cli.options.grouping import grouped
from lnlbench.cli.options.protocol import ProtocolOptions
from lnlbench.cli.options.runs import RunsOptions, SweepFile, grids


@grouped
def plan(
    runs: RunsOptions,
    protocol: ProtocolOptions,
    execution: ExecutionOptions,
    file: SweepFile = None,
) -> None:
    """Print one `lnlbench run --spec …` line for each run that is not done yet.

    The command writes the specs into the directories of the runs, below
    <output>/runs, and the lines name these files.
    """
    meant = grids(file, runs, protocol)
    arguments = execution.arguments()

    from lnlbench.plugins import known_plugins
    from lnlbench.spec.expand import expand
    from lnlbench.spec.grid_data import GridData
    from lnlbench.sweep.plan import make_plan
    from lnlbench.sweep.summary import notes

    plugins = known_plugins()
    data = GridData(plugins)
    specs = expand(meant, plugins, execution.weights, data, protocol.transfer())
    planned = make_plan(specs, execution.output, plugins)
    for note in notes(planned, execution.samples):
        typer.echo(note, err=True)
    for run in planned.missing:
        run.directory.write_spec(run.spec, data.locations(run.spec))
        place = ["--spec", str(run.directory.spec_file), "--output", str(execution.output)]
        typer.echo(shlex.join(["lnlbench", "run", *place, *arguments, "--quiet"]))
