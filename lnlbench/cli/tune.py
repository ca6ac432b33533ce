"""`lnlbench tune`: search a method's parameters on noisy validation labels; write a recipe file."""

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from lnlbench.cli import executor_options as executors
from lnlbench.cli import grid_options as options
from lnlbench.errors import EXIT_FAILED, UsageError
from lnlbench.spec.axes import parse_seeds

# Not among those of a table's rows, whose runs a search should not have tried out.
DEFAULT_SEED = 100


def tune(
    method: Annotated[str, typer.Option(help="The method whose parameters are searched.")],
    track: Annotated[str, typer.Option(help="The track that the recipe is for.")],
    trials: Annotated[
        int, typer.Option(min=1, help="Trials in all, the defaults' own among them.")
    ] = 30,
    recipe: Annotated[str, typer.Option(help="The named setting that is varied.")] = "matched",
    search: Annotated[
        list[str] | None,
        typer.Option(help="NAME=LOW..HIGH[:log] adds or replaces a range; NAME takes only these."),
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Fix a parameter, key=value.")
    ] = None,
    validation: Annotated[
        float,
        typer.Option(
            min=0.01, max=0.5, help="Share of the training set held out, with its noisy labels."
        ),
    ] = 0.1,
    validation_labels: Annotated[
        str, typer.Option(help="noisy; there is nothing else to tune on.")
    ] = "noisy",
    seeds: Annotated[
        str | None,
        typer.Option(help="Seeds of each trial: N for 0..N-1, 0-4, or 0,2,7; default 100 alone."),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Epochs of a trial; default the run's.")
    ] = None,
    limit_train: Annotated[
        int | None, typer.Option(help="Training images of a trial; default all.")
    ] = None,
    objective: Annotated[
        str, typer.Option(help="The curve to compare: validation_accuracy, or one the method logs.")
    ] = "validation_accuracy",
    minimize: Annotated[
        bool, typer.Option("--minimize", help="Smaller is better, as of a loss.")
    ] = False,
    pruning: Annotated[
        bool, typer.Option(help="End trials early that fall behind the others' median.")
    ] = True,
    sampler_seed: Annotated[int, typer.Option(min=0, help="Seed of the search itself.")] = 0,
    jobs: executors.Jobs = None,
    threads: executors.Threads = None,
    runs_per_gpu: executors.RunsPerGpu = 1,
    retries: Annotated[
        int, typer.Option(min=0, help="Further attempts at a trial whose process was killed.")
    ] = 1,
    executor: executors.ExecutorName = "local",
    address: executors.Address = "auto",
    device: options.Device = "auto",
    data_dir: options.DataDirectory = None,
    weights: options.Weights = None,
    output: Annotated[Path, typer.Option(help="Folder that gets tuning/.")] = Path(),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the search, and stop.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object; progress on standard error.")
    ] = False,
) -> None:
    """Search a method's parameters without clean labels; Ctrl-C stops, the same command goes on.

    Trials see the noisy training labels alone: a part is held out to compare them on, the clean
    labels and the test split are taken away from their processes.
    """
    if validation_labels != "noisy":
        raise UsageError(
            f"--validation-labels was given {validation_labels!r}. A search compares on noisy "
            "labels alone: who has clean ones has no use for this benchmark's methods."
        )
    if find_spec("optuna") is None:
        raise UsageError(
            "lnlbench tune needs Optuna, which is not installed. Install it with: "
            "pip install 'lnlbench[search]'"
        )
    from contextlib import nullcontext, redirect_stdout

    from lnlbench.interface.params import parse_assignments
    from lnlbench.plugins import load_plugins
    from lnlbench.results.store import ResultStore
    from lnlbench.runner.directory import RunDirectory
    from lnlbench.spec.check import check_spec
    from lnlbench.spec.run_spec import override_protocol
    from lnlbench.sweep.plan import Costs
    from lnlbench.sweep.process import Limits
    from lnlbench.system.atomic import write_atomically
    from lnlbench.system.console import Console
    from lnlbench.tune.definition import Shortening, define_search
    from lnlbench.tune.display import print_found, print_search
    from lnlbench.tune.recipe import found_recipe, write_recipe
    from lnlbench.tune.search import Search
    from lnlbench.tune.study import Study, mend_journal

    chosen = executors.ExecutorOptions(executor, address, jobs, threads, runs_per_gpu, device)
    if chosen.remote:
        output, data_dir, weights = options.absolute(output, data_dir, weights)
    plugins = load_plugins()
    definition = define_search(
        *(plugins.method(method), track, recipe),
        parse_assignments(set_ or []),
        search or [],
        shortening=Shortening(epochs=epochs, limit_train=limit_train),
        validation=validation,
        seeds=[DEFAULT_SEED] if seeds is None else parse_seeds(seeds),
        objective=objective,
        direction="minimize" if minimize else "maximize",
        pruning=pruning,
        sampler_seed=sampler_seed,
    )
    [spec, *_] = definition.specs(plugins.method(method), {})
    check_spec(plugins, spec)
    costs = Costs(ResultStore(output / "leaderboards").load_all(track)[0])
    # Of the track's own runs, which hold nothing out.
    full = spec.model_copy(update={"protocol": override_protocol(spec.protocol, {"validation": 0})})
    slots = chosen.slots(costs.peak(full))
    console = Console(stderr=as_json, highlight=False)
    folder = definition.folder(output)
    print_search(definition, folder, trials, slots, costs.seconds(full), console)
    if dry_run:
        return
    with RunDirectory(folder).locked():
        document = definition.model_dump_json(indent=2) + "\n"
        write_atomically(folder / "search.json", document.encode())
        mend_journal(folder)
        study = Study(definition, folder, spec.protocol.epochs)
        extra = options.run_options(device, data_dir, weights)
        # Trials do not queue: each one's values depend on those that have ended.
        running = chosen.start(slots, Limits(), queue=False)
        search_ = Search(study, plugins.method(method), running, extra, console, retries)
        # Ray prints what it notices, a lost node for example, to standard output.
        with redirect_stdout(sys.stderr) if as_json else nullcontext():
            finished = search_.run(trials)
        if not finished:
            typer.echo("The same command goes on with what is missing.", err=True)
            raise typer.Exit(EXIT_FAILED)
        tuning = found_recipe(study)
        file = write_recipe(tuning, folder)
    print_found(study, tuning, file, console)
    if as_json:
        found = {"recipe_file": str(file), "recipe": tuning.model_dump(mode="json")}
        typer.echo(json.dumps(found, indent=2))


def trial(
    folder: Annotated[Path, typer.Argument(help="The folder of one trial of a search.")],
    device: options.Device = "auto",
    data_dir: options.DataDirectory = None,
    weights: options.Weights = None,
) -> None:
    """Execute one trial of a search and print how it ended; `lnlbench tune` starts these."""
    from lnlbench.plugins import load_plugins
    from lnlbench.tune.trial import run_trial

    outcome = run_trial(folder, load_plugins(), device, data_dir, weights)
    typer.echo(outcome.model_dump_json())
