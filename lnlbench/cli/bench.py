"""`lnlbench bench`: how far a method's epoch is from the cost of its network passes alone."""

import json
from pathlib import Path
from typing import Annotated

import typer

from lnlbench.errors import UsageError


def bench(
    method: Annotated[
        list[str] | None,
        typer.Option(help="Method; may be given more than once. Default: all without oracle."),
    ] = None,
    track: Annotated[str, typer.Option(help="Track whose protocol is timed.")] = "cifar100n-small",
    backbone: Annotated[str | None, typer.Option(help="Override the network.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Override the batch size.")] = None,
    precision: Annotated[str | None, typer.Option(help="Override: auto, fp32 or bf16.")] = None,
    samples: Annotated[int, typer.Option(min=4, help="Random training images.")] = 2560,
    repeats: Annotated[int, typer.Option(min=1, help="Timed epochs; medians are printed.")] = 3,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    output: Annotated[Path | None, typer.Option(help="Also write the JSON to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Time one epoch of each method beside its floor: the same passes on preloaded tensors."""
    from lnlbench.plugins import load_plugins
    from lnlbench.results.atomic import write_atomically
    from lnlbench.runner.bench import bench_method
    from lnlbench.runner.devices import resolve_device
    from lnlbench.runner.spec import build_spec

    plugins = load_plugins()
    overrides = {"backbone": backbone, "batch_size": batch_size, "precision": precision}
    changes = {key: value for key, value in overrides.items() if value is not None}
    timings = []
    for name in method or sorted(plugins.methods):
        chosen = plugins.method(name)
        if chosen.oracle:
            if method:
                raise UsageError(
                    f"Method {name!r} asks for {', '.join(sorted(chosen.oracle))}: random images "
                    "have no clean labels and no noise rate. Time it with 'lnlbench run'."
                )
            continue
        # Selection from the second epoch on, so that what is timed is the method, not its warm-up.
        params = {"warmup_epochs": 1} if "warmup_epochs" in chosen.Params.model_fields else {}
        spec = build_spec(chosen, track, overrides=changes, params=params)
        if spec.protocol.embedding is not None or spec.protocol.pretrained is not None:
            raise UsageError(
                f"Track {track!r} starts from pretrained weights, and bench times networks that "
                "start from random ones. Choose another track, such as cifar100n-small."
            )
        built = chosen(chosen.Params(**spec.params))
        timing = bench_method(built, spec.protocol, samples, repeats, resolve_device(device))
        if timing is not None:
            timings.append(timing)
        elif method:
            raise UsageError(f"Method {name!r} trains no network step by step: it has no floor.")
    document = json.dumps({"timings": [timing.document() for timing in timings]}, indent=2)
    if output is not None:
        write_atomically(output, f"{document}\n".encode())
    if as_json:
        typer.echo(document)
        return
    from rich.console import Console
    from rich.table import Table

    first = timings[0]
    title = f"{first.backbone}, {samples} images, batch {first.batch_size}, {first.precision}"
    table = Table(
        "method", "s / epoch", "images / s", "floor s", "× floor", title=f"{title}, {first.device}"
    )
    for timing in timings:
        table.add_row(
            timing.method,
            f"{timing.seconds_per_epoch:.2f}",
            f"{timing.images_per_second:,.0f}",
            f"{timing.floor_seconds:.2f}",
            f"{timing.ratio_to_floor:.2f}",
        )
    Console(highlight=False).print(table)
