"""`lnlbench plan`: the missing runs as commands, one a line, for any scheduler."""

import shlex
from pathlib import Path

import typer

from lnlbench.cli import grid_options as options


def plan(
    file: options.File = None,
    method: options.Methods = None,
    track: options.Tracks = None,
    seeds: options.Seeds = None,
    recipe: options.Recipe = None,
    recipe_file: options.RecipeFiles = None,
    set_: options.Settings = None,
    override: options.Overrides = None,
    set_data: options.DataSettings = None,
    device: options.Device = "auto",
    data_dir: options.DataDirectory = None,
    weights: options.Weights = None,
    output: options.Output = Path(),
    samples: options.Samples = False,
    log: options.Log = None,
) -> None:
    """Print one `lnlbench run --spec …` line for each run that is not done yet.

    The specs are written into the runs' directories below <output>/runs, where the lines name them.
    """
    from lnlbench.plugins import load_plugins
    from lnlbench.spec.grid_data import SweepData
    from lnlbench.sweep.plan import make_plan
    from lnlbench.sweep.summary import notes

    given = options.GridOptions(
        *(file, method, track, seeds, recipe, recipe_file, set_, override, set_data)
    )
    plugins = load_plugins()
    data = SweepData(plugins)
    specs = given.specs(plugins, weights, data)
    extra = options.run_options(device, data_dir, weights, samples, log)
    planned = make_plan(specs, output, plugins)
    for note in notes(planned, samples):
        typer.echo(note, err=True)
    for run in planned.missing:
        run.directory.write_spec(run.spec, data.locations(run.spec))
        place = ["--spec", str(run.directory.spec_file), "--output", str(output)]
        typer.echo(shlex.join(["lnlbench", "run", *place, *extra, "--quiet"]))
