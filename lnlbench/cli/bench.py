"""`lnlbench bench`: how far a method's epoch is from the cost of its network passes alone."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lnlbench.errors import UsageError

if TYPE_CHECKING:
    from lnlbench.bench.compare import Task
    from lnlbench.plugins import Plugins

DEFAULT_TRACK = "cifar100n-small"
DEFAULT_SAMPLES = 2560


def bench(
    method: Annotated[
        list[str] | None,
        typer.Option(help="Method; may be given more than once. Default: all without oracle."),
    ] = None,
    track: Annotated[
        str | None, typer.Option(help="Track whose protocol is timed; default cifar100n-small.")
    ] = None,
    backbone: Annotated[str | None, typer.Option(help="Override the network.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Override the batch size.")] = None,
    precision: Annotated[str | None, typer.Option(help="Override: auto, fp32 or bf16.")] = None,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Compile the networks, and those of the floor.")
    ] = False,
    compare: Annotated[
        str | None,
        typer.Option(help="Time options in turns: fp32, bf16, compile, or joined by +, as a,b."),
    ] = None,
    in_turns: Annotated[
        bool,
        typer.Option("--in-turns", help="Time the named methods in turns, a process each."),
    ] = False,
    reference: Annotated[
        bool,
        typer.Option("--reference", help="Also the passes in fp32, contiguous, view by view."),
    ] = False,
    labeled_share: Annotated[
        float | None,
        typer.Option(min=0.01, max=0.99, help="Share that DivideMix is to count as labeled."),
    ] = None,
    pieces: Annotated[
        bool,
        typer.Option("--pieces", help="Time views, the mixture and memory instead of methods."),
    ] = False,
    start_up: Annotated[
        bool,
        typer.Option("--start-up", help="Time --help and a run's way to its first step instead."),
    ] = False,
    samples: Annotated[
        int | None, typer.Option(min=4, help="Random training images; default 2,560.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Timed epochs; medians are printed.")] = 3,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    output: Annotated[Path | None, typer.Option(help="Also write the JSON to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Time one epoch of each method beside its floor: the same passes on preloaded tensors."""
    from lnlbench.bench.compare import Task, time_in_turns, time_task
    from lnlbench.bench.epoch_timer import Setting
    from lnlbench.bench.table import document_of, print_timings
    from lnlbench.plugins import load_plugins
    from lnlbench.runner.devices import resolve_device
    from lnlbench.spec.run_spec import build_spec

    overrides = {"backbone": backbone, "batch_size": batch_size, "precision": precision}
    changes = {key: value for key, value in overrides.items() if value is not None}
    flags = (compiled, compare, in_turns, reference, labeled_share, samples)
    of_methods = method or changes or any(flags)
    if pieces or start_up:
        if of_methods or (pieces and (track or start_up)):
            raise UsageError(
                "--pieces and --start-up are timed alone, and time no method. Of the other "
                "options, give them --repeats, --device, --output and --json; --start-up takes "
                "--track, too."
            )
        _time_pieces(track or DEFAULT_TRACK if start_up else None, repeats, device, output, as_json)
        return
    if in_turns and not method:
        raise UsageError("--in-turns keeps a process for each method: name them with --method.")
    track = track or DEFAULT_TRACK
    plugins = load_plugins()
    resolve_device(device)
    groups = []
    for name in _chosen(plugins, method):
        chosen = plugins.method(name)
        # A short warm-up, so that what is timed is the method, not its warm-up.
        spec = build_spec(chosen, track, overrides=changes, params=dict(chosen.quick_params))
        if spec.protocol.pretrained is not None:
            raise UsageError(
                f"Track {track!r} starts from pretrained weights, and bench times networks that "
                "start from random ones. Choose another track, such as cifar100n-small."
            )
        setting = Setting(samples or DEFAULT_SAMPLES, repeats, compiled, reference)
        task = Task(name, spec.params, spec.protocol, setting, device, labeled_share=labeled_share)
        groups.append(_options(task, compare) if compare else [task])
    if in_turns:
        groups = [[task for group in groups for task in group]]
    timed = []
    for group in groups:
        found = time_in_turns(group) if compare or in_turns else list(map(time_task, group))
        for task, timing in zip(group, found, strict=True):
            if method and timing is None:
                raise UsageError(
                    f"Method {task.method!r} trains no network step by step: it has no floor."
                )
        timed.append([timing for timing in found if timing is not None])
    _deliver(document_of(timed), output, as_json, lambda: print_timings(timed))


def _time_pieces(
    start_up_on: str | None, repeats: int, device: str, output: Path | None, as_json: bool
) -> None:
    """Time the start of a run on a track, or else what surrounds the passes of any run."""
    from lnlbench.bench.pieces import document_of_pieces, print_pieces, time_pieces
    from lnlbench.bench.start_up import time_start_up
    from lnlbench.runner.devices import describe_device, resolve_device

    where = resolve_device(device)
    if start_up_on is None:
        timed, threads = time_pieces(repeats, where), "one thread, "
    else:
        timed, threads = time_start_up(start_up_on, device, repeats), ""
    title = threads + describe_device(where)
    document = document_of_pieces(timed, where)
    _deliver(document, output, as_json, lambda: print_pieces(timed, title))


def _deliver(
    content: dict[str, Any], output: Path | None, as_json: bool, show: Callable[[], None]
) -> None:
    """Write the file that was asked for, then print JSON or tables."""
    from lnlbench.system.atomic import write_atomically

    document = json.dumps(content, indent=2)
    if output is not None:
        write_atomically(output, f"{document}\n".encode())
    if as_json:
        typer.echo(document)
    else:
        show()


def _chosen(plugins: "Plugins", named: list[str] | None) -> list[str]:
    """The methods named, or all that random images are enough for."""
    for name in named or []:
        oracle = plugins.method(name).oracle
        if oracle:
            raise UsageError(
                f"Method {name!r} asks for {', '.join(sorted(oracle))}: random images "
                "have no clean labels and no noise rate. Time it with 'lnlbench run'."
            )
    return named or [name for name in sorted(plugins.methods) if not plugins.method(name).oracle]


def _options(task: "Task", compare: str) -> "list[Task]":
    """The task once for each option, such as fp32 or bf16+compile."""
    tasks = []
    for option in dict.fromkeys(part.strip() for part in compare.split(",")):
        words = option.split("+")
        precisions = [word for word in words if word in ("fp32", "bf16")]
        if not set(words) <= {"fp32", "bf16", "compile"} or len(precisions) > 1:
            raise UsageError(
                f"--compare was given {option!r}. Options are fp32, bf16 and compile, or one of "
                "the first two with the third, as bf16+compile; several as fp32,bf16,compile."
            )
        protocol = task.protocol.model_copy(
            update={"precision": precisions[0]} if precisions else {}
        )
        setting = replace(task.setting, compiled=task.setting.compiled or "compile" in words)
        tasks.append(replace(task, protocol=protocol, setting=setting, option=option))
    return tasks
