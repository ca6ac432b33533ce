"""`lnlbench bench`: how much longer an epoch of a method takes than only its network passes."""

import json
from pathlib import Path
from typing import Annotated

import typer

from lnlbench.cli.options.execution import Device, Json
from lnlbench.cli.options.protocol import Backbone, BatchSize, Precision
from lnlbench.cli.options.runs import Methods, Track
from lnlbench.errors import UsageError
from lnlbench.spec.axes import split_names

DEFAULT_TRACK = "cifar100n-scratch"


def bench(
    method: Methods = None,
    track: Track = DEFAULT_TRACK,
    backbone: Backbone = None,
    batch_size: BatchSize = None,
    precision: Precision = None,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Compile the networks, and those of the floor.")
    ] = False,
    compare: Annotated[
        str | None,
        typer.Option(
            help="Settings to compare, as a,b: fp32, bf16, compile, or two of them joined by +. "
            "Their epochs take turns."
        ),
    ] = None,
    in_turns: Annotated[
        bool,
        typer.Option(
            "--in-turns", help="Start a process for each named method; their epochs take turns."
        ),
    ] = False,
    reference: Annotated[
        bool,
        typer.Option(
            "--reference",
            help="Also time the same passes in fp32, contiguous layout and view by view.",
        ),
    ] = False,
    labeled_share: Annotated[
        float | None,
        typer.Option(min=0.01, max=0.99, help="Share of the samples that DivideMix has to label."),
    ] = None,
    samples: Annotated[int, typer.Option(min=4, help="Number of random training images.")] = 2560,
    repeats: Annotated[
        int, typer.Option(min=1, help="Number of timed epochs; their median is printed.")
    ] = 3,
    device: Device = "auto",
    output: Annotated[
        Path | None, typer.Option(help="File to which to write the JSON object as well.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Time one epoch of each method and its floor: the same passes on preloaded tensors.

    Without --method this times all methods that need no oracle.
    """
    names = split_names(method or [])
    if output is not None and output.is_dir():
        raise UsageError(f"--output names a file, and {output} is a folder. Name a file in it.")
    if in_turns and not names:
        raise UsageError(
            "--in-turns starts a process for each method: name the methods with --method."
        )

    from lnlbench.plugins.tracks import find_track

    meant = find_track(track or DEFAULT_TRACK)

    from lnlbench.bench.compare import time_groups
    from lnlbench.bench.epoch_timer import Setting
    from lnlbench.bench.table import document_of, print_timings
    from lnlbench.bench.tasks import Choice, task_groups
    from lnlbench.plugins import load_plugins
    from lnlbench.runner.devices import resolve_device
    from lnlbench.system.atomic import write_atomically

    overrides = {"backbone": backbone, "batch_size": batch_size, "precision": precision}
    changes = {key: value for key, value in overrides.items() if value is not None}
    plugins = load_plugins()
    resolve_device(device)
    setting = Setting(samples, repeats, compiled, reference)
    choice = Choice(tuple(names), meant, changes, labeled_share, compare, in_turns)
    timed = time_groups(task_groups(plugins, choice, setting, device), bool(compare or in_turns))
    document = json.dumps(document_of(timed), indent=2)
    # Shown first, so that the timings are not lost where the file cannot be written.
    if as_json:
        typer.echo(document)
    else:
        print_timings(timed)
    if output is not None:
        write_atomically(output, f"{document}\n".encode())
