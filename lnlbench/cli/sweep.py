"""`lnlbench sweep`: all missing runs of a grid, several at a time, on an executor."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from lnlbench.cli import executor_options as executors
from lnlbench.cli import grid_options as options
from lnlbench.errors import EXIT_FAILED, UsageError


def sweep(
    file: options.File = None,
    method: options.Methods = None,
    track: options.Tracks = None,
    seeds: options.Seeds = None,
    recipe: options.Recipe = None,
    recipe_file: options.RecipeFiles = None,
    set_: options.Settings = None,
    override: options.Overrides = None,
    set_data: options.DataSettings = None,
    jobs: executors.Jobs = None,
    threads: executors.Threads = None,
    runs_per_gpu: executors.RunsPerGpu = 1,
    time_limit: Annotated[
        str | None, typer.Option(help="Limit of a run: seconds, or HH:MM:SS.")
    ] = None,
    memory_limit: Annotated[
        str | None, typer.Option(help="Limit of a run's resident memory, such as 4GiB.")
    ] = None,
    retries: Annotated[
        int, typer.Option(min=0, help="Further attempts at a run whose process was killed.")
    ] = 1,
    executor: executors.ExecutorName = "local",
    address: executors.Address = "auto",
    device: options.Device = "auto",
    data_dir: options.DataDirectory = None,
    weights: options.Weights = None,
    output: options.Output = Path(),
    samples: options.Samples = False,
    log: options.Log = None,
    store: Annotated[
        str | None,
        typer.Option(help="Keep results and checkpoints in an object store, s3://bucket/prefix."),
    ] = None,
    take_over: Annotated[
        str | None,
        typer.Option(help="Take the store over from a dead sweep: the token in the refusal."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, and stop.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object; progress on standard error.")
    ] = False,
) -> None:
    """Run what is missing of a grid of runs; Ctrl-C stops, and the same command goes on."""
    from contextlib import nullcontext, redirect_stdout

    from lnlbench.plugins import load_plugins
    from lnlbench.spec.grid_data import SweepData
    from lnlbench.spec.run_data import RunData
    from lnlbench.sweep.display import choose_display
    from lnlbench.sweep.engine import Sweep
    from lnlbench.sweep.executor import Job
    from lnlbench.sweep.failure import record_failure
    from lnlbench.sweep.plan import make_plan
    from lnlbench.sweep.process import Limits
    from lnlbench.sweep.store.stored_sweep import StoredSweep
    from lnlbench.sweep.summary import (
        plan_document,
        print_plan,
        print_summary,
        reports_document,
    )
    from lnlbench.system.console import Console

    if take_over is not None and store is None:
        raise UsageError("--take-over is of the sweep that holds a store: give --store too.")
    limits = Limits(_seconds(time_limit), _bytes(memory_limit))
    where = executors.ExecutorOptions(executor, address, jobs, threads, runs_per_gpu, device)
    if where.remote or store is not None:
        output, data_dir, weights = options.absolute(output, data_dir, weights)
    extra = options.run_options(device, data_dir, weights, samples, log)
    plugins = load_plugins()
    data, run_data = SweepData(plugins), RunData(plugins, data_dir)
    given = options.GridOptions(
        *(file, method, track, seeds, recipe, recipe_file, set_, override, set_data)
    )
    specs = given.specs(plugins, weights, data)
    console = Console(stderr=as_json, highlight=False)
    stored = None if store is None else StoredSweep(store, output, console)
    with nullcontext() if stored is None or dry_run else stored.held(take_over):
        begun = set() if stored is None else stored.pull(specs)
        plan = make_plan(specs, output, plugins, begun)
        slots = where.slots(plan.peak_memory)
        print_plan(plan, slots, console, samples)
        missing = plan.missing
        if stored is not None and not dry_run:
            stored.push_done(plan)
        if dry_run or not missing:
            if as_json:
                typer.echo(json.dumps(plan_document(plan), indent=2))
            if stored is not None and not stored.finish():
                raise typer.Exit(EXIT_FAILED)
            return
        chosen = where.start(slots, limits, queue=True)
        mirrored = None
        if stored is not None:
            chosen = mirrored = stored.mirrored(chosen)
        display = choose_display(console, len(missing))

        def record(job: Job, reason: str) -> Path:
            if mirrored is not None and where.remote:
                mirrored.bring_state(job)
            written = record_failure(job.spec, plugins, output, run_data, device, reason)
            if stored is not None:
                stored.push_failure(written)
            return written

        jobs_to_run = [
            Job(
                run.spec,
                run.directory,
                _arguments(run.directory.spec_file, output, extra),
                data.locations(run.spec),
            )
            for run in missing
        ]
        try:
            # Ray prints what it notices, a lost node for example, to standard output.
            with redirect_stdout(sys.stderr) if as_json else nullcontext():
                reports = Sweep(chosen, display, record, retries).run(jobs_to_run)
        finally:
            display.close()
        print_summary(reports, len(missing), extra, console)
        if as_json:
            typer.echo(json.dumps(reports_document(plan, reports, extra), indent=2))
        kept = stored is None or stored.finish()
        if not kept or sum(report.status == "done" for report in reports) < len(missing):
            raise typer.Exit(EXIT_FAILED)


def _arguments(spec_file: Path, output: Path, extra: tuple[str, ...]) -> tuple[str, ...]:
    return ("run", "--spec", str(spec_file), "--output", str(output), "--json", *extra)


def _seconds(text: str | None) -> float | None:
    from datetime import timedelta

    if text is None:
        return None
    found: float | timedelta | None = _parsed(text, float | timedelta)
    seconds = found.total_seconds() if isinstance(found, timedelta) else found
    if seconds is None or not 0 < seconds < float("inf"):
        raise UsageError(
            f"--time-limit was given {text!r}. Give seconds, or HH:MM:SS, such as 01:30:00."
        )
    return seconds


def _bytes(text: str | None) -> int | None:
    from pydantic import ByteSize

    from lnlbench.sweep.process import memory_is_measurable

    if text is None:
        return None
    if not memory_is_measurable():
        raise UsageError(
            "--memory-limit needs Linux's /proc, which is not here. Leave it out; --jobs says how "
            "many runs share the memory."
        )
    size: ByteSize | None = _parsed(text, ByteSize)
    if not size or size < 0:
        raise UsageError(f"--memory-limit was given {text!r}. Give a size, such as 4GiB.")
    return size


def _parsed(text: str, kind: Any) -> Any:
    """The quantity that pydantic reads; None when it reads none."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_python(text)
    except ValidationError:
        return None
