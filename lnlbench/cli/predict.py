"""`lnlbench predict`: a model's predictions for image files, as a table."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from lnlbench.cli.options.execution import Device
from lnlbench.errors import EXIT_FAILED, UsageError

_MANY = 1000  # images from which on the command says how far it is


def predict(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="Folder that 'lnlbench export' wrote.")
    ],
    images: Annotated[
        list[str],
        typer.Argument(metavar="IMAGES…", help="Image files, folders, or patterns in quotes."),
    ],
    output: Annotated[
        Path | None, typer.Option(help="The CSV file to write; without it, print the table.")
    ] = None,
    top: Annotated[
        int, typer.Option(min=1, help="How many of the most probable classes to write.")
    ] = 1,
    device: Device = "auto",
) -> None:
    """Predict the classes of images: a table with path, class and probability.

    The command names files that are not readable images and leaves them out; the
    exit code is then 1.
    """
    from lnlbench.model.files import load_model
    from lnlbench.model.predictions import Unread, as_csv, find_images, predict_files
    from lnlbench.system.atomic import write_atomically
    from lnlbench.system.progress import shown_progress

    loaded = load_model(model, device)
    paths, unread = find_images(images)
    top = min(top, len(loaded.classes))
    rows = []
    many = len(paths) > _MANY
    with shown_progress("Predicting", len(paths)) if many else nullcontext() as show:
        for done, each in enumerate(predict_files(loaded, paths, top), start=1):
            if isinstance(each, Unread):
                unread.append(each)
            else:
                rows.append(each)
            if show is not None:
                show(done)
    for missing in unread:
        typer.echo(missing.reason, err=True)
    if not rows:
        raise UsageError("There is nothing to predict: each path is named above, with the reason.")
    table = as_csv(rows, top)
    if output is None:
        typer.echo(table, nl=False)
    else:
        # Names of files may hold bytes that are not UTF-8.
        write_atomically(output, table.encode("utf-8", "surrogateescape"))
        typer.echo(f"Wrote {len(rows):,} predictions, {len(unread):,} left out. {output}")
    if unread:
        raise typer.Exit(EXIT_FAILED)
