"""`lnlbench run`: from flags to specs; executing them is `lnlbench.runner.series`'s work."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lnlbench.cli.grid_options import RECIPE_FILE_SAYS
from lnlbench.errors import EXIT_FAILED, UsageError
from lnlbench.noise.spec import noise_sentences
from lnlbench.spec.axes import parse_seeds, split_names

if TYPE_CHECKING:
    from lnlbench.plugins import Plugins
    from lnlbench.results.tuning import Tuning
    from lnlbench.spec.run_spec import RunSpec

# The help joins lines of one paragraph: blank lines keep each noise on a line of its own.
NOISES = "\n\n".join(
    ["The noises; RATE, from 0 to below 1, is the probability that a label moves:"]
    + [f"{name}: {sentence}" for name, sentence in noise_sentences().items()]
)


def run(
    method: Annotated[
        list[str] | None, typer.Option(help="Method; may be given more than once, or as a,b,c.")
    ] = None,
    track: Annotated[
        str | None, typer.Option(help="Track that fixes all else; default cifar100n-resnet34.")
    ] = None,
    recipe: Annotated[str, typer.Option(help="The method's named setting.")] = "matched",
    recipe_file: Annotated[
        Path | None,
        typer.Option(help="A tuned recipe: what `lnlbench tune` wrote, or a result that has one."),
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="A method parameter, key=value.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the run; default 0.")] = None,
    seeds: Annotated[
        str | None, typer.Option(help="Several seeds: a number N for 0..N-1, or 0-4, or 0,2,7.")
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="Override the track's data set.")] = None,
    set_data: Annotated[
        list[str] | None,
        typer.Option("--set-data", help="A setting of a plugin's data set, key=value."),
    ] = None,
    noise: Annotated[
        str | None,
        typer.Option(help="Override the noise; all noises are listed below."),
    ] = None,
    noise_seed: Annotated[int | None, typer.Option(help="Override the noise's seed.")] = None,
    backbone: Annotated[str | None, typer.Option(help="Override the network.")] = None,
    frozen: Annotated[
        bool, typer.Option("--frozen", help="Train a head on a timm network's cached features.")
    ] = False,
    pretrained: Annotated[
        bool, typer.Option("--pretrained", help="Fine-tune a timm network's pretrained weights.")
    ] = False,
    head: Annotated[str | None, typer.Option(help="Override the head: linear or mlp.")] = None,
    image_size: Annotated[
        int | None, typer.Option(help="Override the pixels that a pretrained network sees.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Pretrained weights: a .safetensors or .pth file.")
    ] = None,
    body_lr_factor: Annotated[
        float | None, typer.Option(help="Override the pretrained body's share of the rate.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Override the number of epochs.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Override the batch size.")] = None,
    lr: Annotated[float | None, typer.Option(help="Override the learning rate.")] = None,
    weight_decay: Annotated[float | None, typer.Option(help="Override the weight decay.")] = None,
    augment: Annotated[str | None, typer.Option(help="Override: crop-flip, crop or none.")] = None,
    validation: Annotated[
        float | None, typer.Option(help="Share of the training set held out to select epochs on.")
    ] = None,
    validation_labels: Annotated[
        str | None, typer.Option(help="Labels of the held-out share: noisy, or clean (an oracle).")
    ] = None,
    limit_train: Annotated[int | None, typer.Option(help="Use so many training images.")] = None,
    limit_test: Annotated[int | None, typer.Option(help="Use so many test images.")] = None,
    precision: Annotated[str | None, typer.Option(help="Override: auto, fp32 or bf16.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    compiled: Annotated[
        bool, typer.Option("--compile", help="Compile the networks: slow to start, then faster.")
    ] = False,
    data_dir: Annotated[
        Path | None, typer.Option(envvar="LNLBENCH_DATA_DIR", help="Folder with the data files.")
    ] = None,
    output: Annotated[
        Path, typer.Option(help="Folder that gets runs/ and leaderboards/.")
    ] = Path(),
    resume: Annotated[
        Path | None, typer.Option(help="Go on with this run, or with the runs below this folder.")
    ] = None,
    spec: Annotated[
        Path | None,
        typer.Option(help="Execute a run spec: a JSON file, a result, or - for standard input."),
    ] = None,
    print_spec: Annotated[
        bool, typer.Option("--print-spec", help="Print the run specs, one a line, and stop.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Run again what is done; replace its result.")
    ] = False,
    samples: Annotated[
        bool, typer.Option("--samples", help="Also write samples.parquet: a row per sample.")
    ] = False,
    log: Annotated[
        list[str] | None, typer.Option(help="Also log to: tensorboard, in the run's directory.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object; progress on standard error.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail when any plugin failed to load.")
    ] = False,
) -> None:
    """Train and evaluate methods; results go to <output>/leaderboards/results.

    Overriding anything of a track makes the result an off-track one, kept out of its table.
    """
    optimizer = {
        name: value
        for name, value in {"lr": lr, "weight_decay": weight_decay}.items()
        if value is not None
    }
    flags = {
        "dataset": dataset,
        "noise": noise,
        "noise_seed": noise_seed,
        "backbone": backbone,
        "epochs": epochs,
        "batch_size": batch_size,
        "optimizer": optimizer or None,
        "augment": augment,
        "validation": validation,
        "validation_labels": validation_labels,
        "limit_train": limit_train,
        "limit_test": limit_test,
        "precision": precision,
    }
    overrides = {key: value for key, value in flags.items() if value is not None}
    said = (frozen, pretrained, head, image_size, body_lr_factor)
    named = bool(method or track or recipe != "matched")
    describing = bool(named or set_ or seeds or overrides or recipe_file) or any(said)
    if resume is not None or spec is not None:
        if describing or seed is not None or (resume is not None and spec is not None):
            raise UsageError(
                "--resume and --spec each describe the whole run: give one of them, without "
                "--method, --track, --seed, --set or an override."
            )
    elif recipe_file is not None:
        if named:
            raise UsageError(RECIPE_FILE_SAYS)
    elif not split_names(method or []):
        raise UsageError(
            "Name a method: lnlbench run --method ce --track digits. 'lnlbench methods' lists them."
        )

    from lnlbench.interface.params import parse_assignments
    from lnlbench.loggers import make_logger
    from lnlbench.networks.weights import WeightSources
    from lnlbench.plugins import load_plugins
    from lnlbench.runner.devices import resolve_device
    from lnlbench.runner.options import RunOptions
    from lnlbench.runner.series import Series, resumable
    from lnlbench.spec.run_data import RunData

    plugins = load_plugins(strict=strict)
    data = RunData(plugins, data_dir, parse_assignments(set_data or [], "--set-data"))
    sources = WeightSources(weights, plugins.backbones)
    if resume is not None:
        specs, output = resumable(resume)
    elif spec is not None:
        specs = [_read_spec(spec)]
    else:
        from lnlbench.results.tuning import read_tuning
        from lnlbench.spec.transfer import TransferFlags, transfer_overrides

        tuning = None if recipe_file is None else read_tuning(recipe_file)
        track = track if tuning is None else tuning.track
        overrides |= data.overrides(dataset, noise)
        overrides |= transfer_overrides(track, backbone, TransferFlags(*said), sources)
        names = split_names(method or []) if tuning is None else [tuning.method]
        specs = _build_specs(
            plugins, names, track, recipe, overrides, set_ or [], _seeds(seed, seeds), tuning
        )
    if print_spec:
        for each in specs:
            typer.echo(each.model_dump_json())
        return
    for name in split_names(log or []):
        plugins.manager.register(make_logger(name), f"lnlbench:{name}")
    options = RunOptions(
        device=resolve_device(device),
        weights=sources,
        compiled=compiled,
        samples=samples,
        overwrite=overwrite,
        observers=plugins.manager,
    )
    outcomes = Series(plugins, output, data, options).execute(specs, quiet=quiet, machine=as_json)
    if not all(outcome.finished for outcome in outcomes):
        raise typer.Exit(EXIT_FAILED)


def _read_spec(file: Path) -> "RunSpec":
    from lnlbench.spec.run_spec import parse_spec

    if str(file) == "-":
        return parse_spec(sys.stdin.read(), "Standard input")
    try:
        return parse_spec(file.read_text(encoding="utf-8"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"Cannot read the run spec {file}: {error}.") from error


def _build_specs(
    plugins: "Plugins",
    methods: list[str],
    track: str | None,
    recipe: str,
    overrides: dict[str, Any],
    assignments: list[str],
    seeds: list[int],
    tuning: "Tuning | None",
) -> "list[RunSpec]":
    from lnlbench.interface.artifacts import import_artifacts
    from lnlbench.interface.params import parse_assignments
    from lnlbench.spec.run_spec import build_spec
    from lnlbench.tracks import DEFAULT_TRACK

    params = parse_assignments(assignments)
    specs = []
    for name in methods:
        method = plugins.method(name)
        given = import_artifacts(method.Params, params)
        specs += [
            build_spec(method, track or DEFAULT_TRACK, recipe, overrides, given, number, tuning)
            for number in seeds
        ]
    return specs


def _seeds(seed: int | None, seeds: str | None) -> list[int]:
    if seeds is None:
        return [seed or 0]
    if seed is not None:
        raise UsageError("Give --seed for one run or --seeds for several, not both.")
    return parse_seeds(seeds)
