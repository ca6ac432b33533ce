"""A whole sweep, from the specs of its runs to its summary: plan, store, executor, report."""

import json
import sys
from collections.abc import Callable
from contextlib import nullcontext, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from lnlbench.plugins import Catalogue
from lnlbench.spec.grid_data import GridData
from lnlbench.spec.run_data import RunData
from lnlbench.spec.run_spec import RunSpec
from lnlbench.sweep.display import choose_display
from lnlbench.sweep.engine import Sweep
from lnlbench.sweep.executor import Job
from lnlbench.sweep.placement import Placement
from lnlbench.sweep.plan import Plan, PlannedRun, make_plan
from lnlbench.sweep.process import Limits
from lnlbench.sweep.report import RunReport
from lnlbench.sweep.store.mirroring_executor import MirroringExecutor
from lnlbench.sweep.store.stored_sweep import StoredSweep
from lnlbench.sweep.summary import plan_document, print_plan, print_summary, reports_document
from lnlbench.system.console import Console


@dataclass(frozen=True)
class SweepSetting:
    """How a sweep is conducted, whichever runs it has.

    `arguments` are what `lnlbench run` is told besides spec and output; `samples` says whether
    samples.parquet of each run is wanted; `store` is the URL of an object store.
    """

    placement: Placement
    limits: Limits
    retries: int
    output: Path
    data_dir: Path | None
    arguments: tuple[str, ...]
    samples: bool = False
    store: str | None = None
    take_over: str | None = None
    as_json: bool = False


def conduct(
    specs: list[RunSpec], plugins: Catalogue, data: GridData, how: SweepSetting, dry_run: bool
) -> bool:
    """Show the plan of the specs, execute what is missing, and show how it ended.

    Returns whether all is done, or was only to be planned.

    Raises:
        UsageError: the store or the executor cannot be used.
        RunError: the store or the cluster cannot be reached.
        KeyboardInterrupt: a second signal came; nothing runs any more.
    """
    console = Console(stderr=how.as_json, highlight=False)
    stored = None if how.store is None else StoredSweep(how.store, how.output, console)
    with nullcontext() if stored is None or dry_run else stored.held(how.take_over):
        begun = set() if stored is None else stored.pull(specs)
        plan = make_plan(specs, how.output, plugins, begun)
        slots = how.placement.slots(plan.peak_memory)
        print_plan(plan, slots, console, how.samples)
        if stored is not None and not dry_run:
            stored.push_done(plan)
        if dry_run or not plan.missing:
            if how.as_json:
                sys.stdout.write(json.dumps(plan_document(plan), indent=2) + "\n")
            return stored is None or stored.finish()
        reports = _execute(plan, slots, plugins, data, how, stored, console)
        print_summary(reports, len(plan.missing), how.arguments, console)
        if how.as_json:
            document = reports_document(plan, reports, how.arguments)
            sys.stdout.write(json.dumps(document, indent=2) + "\n")
        kept = stored is None or stored.finish()
        return kept and sum(report.status == "done" for report in reports) == len(plan.missing)


def _execute(
    plan: Plan,
    slots: int | None,
    plugins: Catalogue,
    data: GridData,
    how: SweepSetting,
    stored: StoredSweep | None,
    console: Console,
) -> list[RunReport]:
    executor = how.placement.start(slots, how.limits, queue=True, warm=stored is None)
    mirrored = None
    if stored is not None:
        executor = mirrored = stored.mirrored(executor)
    display = choose_display(console, len(plan.missing))
    try:
        # Ray prints what it notices, a lost node for example, to standard output.
        with redirect_stdout(sys.stderr) if how.as_json else nullcontext():
            sweep = Sweep(executor, display, _recorder(plugins, how, stored, mirrored), how.retries)
            return sweep.run([_job(run, data, how) for run in plan.missing])
    finally:
        display.close()


def _job(run: PlannedRun, data: GridData, how: SweepSetting) -> Job:
    place = ("--spec", str(run.directory.spec_file), "--output", str(how.output))
    arguments = ("run", *place, "--json", *how.arguments)
    return Job(run.spec, run.directory, arguments, data.locations(run.spec))


def _recorder(
    plugins: Catalogue,
    how: SweepSetting,
    stored: StoredSweep | None,
    mirrored: MirroringExecutor | None,
) -> Callable[[Job, str], Path]:
    """The function that records a run as failed that could not do so itself."""
    data, device = RunData(plugins, how.data_dir), how.placement.device

    def record(job: Job, reason: str) -> Path:
        from lnlbench.sweep.failure import record_failure  # imports torch

        if mirrored is not None and how.placement.remote:
            mirrored.bring_state(job)
        written = record_failure(job.spec, plugins.load(), how.output, data, device, reason)
        if stored is not None:
            stored.push_failure(written)
        return written

    return record
