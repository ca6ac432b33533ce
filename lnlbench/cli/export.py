"""`lnlbench export`: the trained model of a run, as a folder."""

from pathlib import Path
from typing import Annotated

import typer

from lnlbench.cli.options.execution import DataDirectory, Device, Weights


def export(
    run: Annotated[
        Path,
        typer.Argument(
            metavar="RUN_OR_AUDIT", help="Directory of a finished run, or folder of an audit."
        ),
    ],
    output: Annotated[Path, typer.Option(help="Folder that the model is written to.")],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a model that lies there.")
    ] = False,
    weights: Weights = None,
    device: Device = "auto",
    data_dir: DataDirectory = None,
) -> None:
    """Write a trained model: weights, classes and preprocessing, for `lnlbench predict`.

    The folder needs neither the run nor its data, and works on any machine with
    lnlbench. For an audit, the command first trains the audit's method on all
    samples with the corrected labels.
    """
    if (run / "summary.json").is_file():
        from lnlbench.audit.train import corrected_labels, train_model
        from lnlbench.cli.audit import say_trained

        labels = corrected_labels(run)
        trained = train_model(
            run,
            output,
            labels=labels,
            weights=weights,
            device=device,
            overwrite=overwrite,
            show=True,
        )
        say_trained(trained, labels, output)
        return
    from lnlbench.runner.finished import run_with_weights

    run_with_weights(run)

    from lnlbench.model.export import export_run
    from lnlbench.networks.weight_sources import WeightSources
    from lnlbench.plugins import load_plugins
    from lnlbench.runner.devices import resolve_device
    from lnlbench.runner.options import RunOptions
    from lnlbench.spec.run_data import RunData

    plugins = load_plugins()
    options = RunOptions(resolve_device(device), WeightSources(weights, plugins.backbones))
    data = RunData(plugins, data_dir)
    model = export_run(run, output, plugins, data, options, overwrite=overwrite)
    size = sum(tensor.nbytes for tensor in model.tensors().values())
    origin = model.card.origin
    accuracy = origin.test_accuracy
    said = "" if accuracy is None else f", test accuracy {100 * accuracy:.2f}%"
    typer.echo(
        f"Wrote the model of {origin.method} on {origin.track}, seed {origin.seed}{said}: "
        f"{len(model.classes)} classes, {size / 1e6:.1f} MB. {output}"
    )
