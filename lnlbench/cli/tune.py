"""`lnlbench tune`: search a method's parameters on noisy validation labels; write a recipe file."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from lnlbench.cli.options import execution as options
from lnlbench.cli.options import names
from lnlbench.cli.options.executors import ExecutorOptions
from lnlbench.cli.options.grouping import grouped
from lnlbench.cli.options.protocol import Epochs, LimitTrain
from lnlbench.cli.options.runs import Recipe, Seeds
from lnlbench.errors import EXIT_FAILED, UsageError
from lnlbench.spec.axes import parse_seeds

# Tables use other seeds, so that a search never tries out the runs of a table.
DEFAULT_SEEDS = "100-100"
_ACCURACIES = ("validation_accuracy", "train_accuracy_noisy")


@grouped
def tune(
    *,
    method: Annotated[
        str,
        typer.Option(help="Method to tune.", autocompletion=names.methods),
    ],
    track: Annotated[
        str,
        typer.Option(
            help="Track to search on: a name, or FILE.toml, which may have data of your own.",
            autocompletion=names.tracks,
        ),
    ],
    trials: Annotated[
        int, typer.Option(min=1, help="Number of trials, one of which tries the defaults.")
    ] = 30,
    recipe: Recipe = None,
    search: Annotated[
        list[str] | None,
        typer.Option(
            help="Range to search: NAME=LOW..HIGH adds or replaces a range, and :log at its end "
            "searches the logarithm. With NAME alone, the search covers only the named parameters."
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Parameter that stays fixed, key=value.", autocompletion=names.parameters
        ),
    ] = None,
    set_data: Annotated[
        list[str] | None,
        typer.Option(
            "--set-data", help="Where the track's own data lie now, if they have moved: root=DIR."
        ),
    ] = None,
    validation: Annotated[
        float,
        typer.Option(
            min=0.01,
            max=0.5,
            help="Share of the training samples to hold out for the comparison of trials.",
        ),
    ] = 0.1,
    validation_labels: Annotated[
        str, typer.Option(help="Labels of the held-out samples: a search takes only noisy ones.")
    ] = "noisy",
    seeds: Seeds = DEFAULT_SEEDS,
    epochs: Epochs = None,
    limit_train: LimitTrain = None,
    objective: Annotated[
        str,
        typer.Option(
            help="Curve that compares trials: validation_accuracy, or a curve that the method logs."
        ),
    ] = "validation_accuracy",
    minimize: Annotated[
        bool, typer.Option("--minimize", help="Search for the smallest value, as for a loss.")
    ] = False,
    no_pruning: Annotated[
        bool,
        typer.Option(
            "--no-pruning",
            help="Never end a trial early. By default, a trial ends if it falls behind the median.",
        ),
    ] = False,
    sampler_seed: Annotated[int, typer.Option(min=0, help="Seed of the search itself.")] = 0,
    executors: ExecutorOptions,
    device: options.Device = "auto",
    data_dir: options.DataDirectory = None,
    weights: options.Weights = None,
    output: options.Output = Path(),
    dry_run: options.DryRun = False,
    as_json: options.JsonBesideProgress = False,
) -> None:
    """Search a method's parameters without clean labels.

    Ctrl-C stops the search, and the same command resumes it.

    Trials see only noisy training labels. The search holds out a share of them
    to compare trials. The processes of trials get neither clean labels nor the
    test split.
    """
    _check_search(objective, minimize, validation_labels)
    from lnlbench.interface.params import parse_assignments
    from lnlbench.plugins.tracks import find_track

    meant = find_track(track)
    fixed, numbers = parse_assignments(set_ or []), parse_seeds(seeds or DEFAULT_SEEDS)

    from lnlbench.plugins import known_plugins
    from lnlbench.spec.run_data import RunData
    from lnlbench.spec.run_spec import MATCHED
    from lnlbench.tune.definition import Shortening, define_search

    placement = executors.placement(device)
    where = options.ExecutionOptions(device, data_dir, weights, output)
    where = where.absolute() if placement.remote else where
    plugins = known_plugins()
    settings = parse_assignments(set_data or [], "--set-data")
    meant, locations = RunData(plugins, data_dir, settings).pinned(meant)
    definition = define_search(
        *(plugins.method(method), meant, recipe or MATCHED),
        fixed,
        search or [],
        shortening=Shortening(epochs=epochs, limit_train=limit_train),
        validation=validation,
        seeds=numbers,
        objective=objective,
        direction="minimize" if minimize else "maximize",
        pruning=not no_pruning,
        sampler_seed=sampler_seed,
    )
    from lnlbench.tune.conduct import SearchSetting, conduct

    setting = SearchSetting(
        *(placement, executors.retries, where.output, where.arguments(), trials, locations, as_json)
    )
    if not conduct(definition, plugins.load(), setting, dry_run):
        typer.echo("The same command resumes the search.", err=True)
        raise typer.Exit(EXIT_FAILED)


def _check_search(objective: str, minimize: bool, validation_labels: str) -> None:
    """Refuse a search that needs clean labels, looks for the worst trial, or has no Optuna."""
    if validation_labels != "noisy":
        raise UsageError(
            f"--validation-labels was given {validation_labels!r}. A search compares trials only "
            "on noisy labels, because users of these methods have no clean ones."
        )
    if minimize and objective in _ACCURACIES:
        raise UsageError(
            f"--minimize would look for the worst {objective}. Leave it out, or name a curve that "
            "is better where it is lower, with --objective."
        )
    if find_spec("optuna") is None:
        raise UsageError(
            "lnlbench tune needs Optuna, which is not installed. Install it with: "
            "pip install 'lnlbench[search]'"
        )


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
