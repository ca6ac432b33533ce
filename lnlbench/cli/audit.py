"""`lnlbench audit FOLDER` and `lnlbench audit apply DECISIONS`: wrong labels of one's own data."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from lnlbench.cli.options import names
from lnlbench.cli.options.execution import Device, Weights
from lnlbench.cli.options.protocol import ImageSize
from lnlbench.errors import UsageError
from lnlbench.spec.axes import parse_values, split_names

if TYPE_CHECKING:
    from lnlbench.audit.findings import Audit
    from lnlbench.model.model import Model

Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]

_JUDGE = "folder"
_SHOWN = 5


class _Group(TyperGroup):
    """`apply` is a command, and whatever else comes first belongs to an audit."""

    default = _JUDGE

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name of the audit's own command before its arguments."""
        named = args[:1] == ["apply"]
        return super().parse_args(ctx, args if named else [self.default, *(args or ["--help"])])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Usage lines show no name for the audit's own command."""
        name, command, rest = super().resolve_command(ctx, args)
        return "" if name == self.default else name, command, rest


app = typer.Typer(cls=_Group)


@app.callback()
def audit() -> None:
    """Find the wrong labels of your own data, and apply your decisions on them."""


@app.command(
    _JUDGE, epilog="`lnlbench audit apply decisions.csv` turns decisions of the page into labels."
)
def judge_folder(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FOLDER]",
            help="Folder of the images: FOLDER/CLASS/… or FOLDER/train/CLASS/…; with --table, "
            "the folder that its paths begin at.",
        ),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(help="CSV or Parquet file with the path and the label of each image."),
    ] = None,
    features: Annotated[
        Path | None,
        typer.Option(help="Features in place of images: .npy or .parquet, a row for each label."),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            "--method",
            help="Methods that train the models, as a,b; default: dividemix,gce.",
            autocompletion=names.methods,
        ),
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Parameter of the method, key=value.")
    ] = None,
    folds: Annotated[
        int,
        typer.Option(
            min=2,
            help="Number of parts; models that have not seen a part judge its labels.",
        ),
    ] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the folds and models.")] = 0,
    backbone: Annotated[
        str | None, typer.Option(help="Pretrained network that makes the features: timm:NAME.")
    ] = None,
    weights: Weights = None,
    image_size: ImageSize = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder for the files; by default FOLDER-audit, beside FOLDER."),
    ] = None,
    device: Device = "auto",
    quiet: Quiet = False,
) -> None:
    """Judge every label by models that have not seen it; write the suspects and a page of them.

    Writes suspects.csv, labels.csv, summary.json and audit.html. A stopped audit resumes.
    """
    place = _output(folder, features, output)
    from lnlbench.audit.conduct import DEFAULT_METHODS
    from lnlbench.audit.conduct import audit as conduct

    found = conduct(
        folder,
        table=table,
        features=features,
        method=split_names(method) if method else DEFAULT_METHODS,
        params=_params(set_ or []),
        folds=folds,
        seed=seed,
        backbone=backbone,
        weights=weights,
        image_size=image_size,
        output=place,
        device=device,
        show=not quiet,
    )
    _tell(found, place)


@app.command()
def apply(
    decisions: Annotated[Path, typer.Argument(help="The decisions.csv that the page saved.")],
    audit_folder: Annotated[
        Path | None,
        typer.Option("--audit", help="Folder of the audit; by default the decisions' folder."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="The table to write; by default decided-labels.csv in that folder."),
    ] = None,
    train: Annotated[
        bool,
        typer.Option("--train", help="Also train on these labels: write `model` beside the table."),
    ] = False,
    device: Device = "auto",
    quiet: Quiet = False,
) -> None:
    """Write a table of labels that follows your decisions, for `lnlbench audit --table`.

    --train replaces a model that it wrote there before.
    """
    from lnlbench.audit.decisions import apply_decisions
    from lnlbench.audit.files import DECIDED, SUGGESTED

    folder = decisions.parent if audit_folder is None else audit_folder
    target = folder / DECIDED if output is None else output
    done = apply_decisions(decisions, folder / SUGGESTED, target)
    new = f"Labels that no image had: {', '.join(done.new)}\n" if done.new else ""
    typer.echo(
        f"{done.accepted:,} labels changed, {done.kept:,} kept, {done.unsure:,} unsure, of "
        f"{done.samples:,}. Wrote {done.file}\n{new}"
        f"Judge again: lnlbench audit FOLDER --table {done.file}"
    )
    if train:
        from lnlbench.audit.train import train_model

        place = done.file.parent / "model"
        model = train_model(
            folder, place, labels=done.file, device=device, overwrite=True, show=not quiet
        )
        say_trained(model, done.file, place)


def say_trained(model: "Model", labels: Path, place: Path) -> None:
    """Say which model was trained on an audit's labels, and where it is."""
    typer.echo(
        f"Trained {model.card.origin.method} on the labels of {labels}, and wrote its model: "
        f"{len(model.classes)} classes. {place}"
    )


def _output(folder: Path | None, features: Path | None, output: Path | None) -> Path:
    source = folder if folder is not None else features
    if output is None:
        if source is None:
            return Path("audit")
        absolute = source.absolute().resolve()
        return absolute.parent / f"{absolute.stem if folder is None else absolute.name}-audit"
    if folder is not None and output.absolute().resolve().is_relative_to(folder.resolve()):
        raise UsageError(
            f"--output {output} lies in {folder}, where the next audit would take it for a class. "
            "Choose a folder outside."
        )
    return output


def _params(settings: list[str]) -> dict[str, Any]:
    axes = parse_values("--set", settings)
    several = [name for name, values in axes.items() if len(values) > 1]
    if several:
        raise UsageError(
            f"--set gives {several[0]!r} several values, and an audit takes one: "
            f"--set {several[0]}={json.dumps(axes[several[0]][0])}."
        )
    return {name: values[0] for name, values in axes.items()}


def _tell(found: "Audit", folder: Path) -> None:
    from lnlbench.audit.findings import summary

    facts = summary(found)
    rate = facts["noise_rate"]
    copies = facts["copies_with_different_labels"]
    typer.echo(
        f"{len(found.samples.classes)} classes, {facts['samples']:,} samples: "
        f"{facts['suspects']:,} suspected labels; estimated share of wrong labels "
        f"{100 * rate['estimate']:.1f} % ({100 * rate['low']:.1f} to {100 * rate['high']:.1f} %)"
    )
    for each in facts["confusions"][:_SHOWN]:
        typer.echo(f"  {each['given']} -> {each['suggested']}: {each['suspects']:,}")
    if copies["exact"] or copies["near"]:
        typer.echo(f"Copies with different labels: {copies['exact']} exact, {copies['near']} near")
    left_out = facts["left_out"]
    if left_out:
        named = "; ".join(f"{each['path']}: {each['reason']}" for each in left_out[:_SHOWN])
        more = "; summary.json names all" if len(left_out) > _SHOWN else ""
        typer.echo(f"{len(left_out):,} left out ({named}{more})")
    typer.echo(f"Wrote suspects.csv, labels.csv, summary.json and audit.html in {folder}")
