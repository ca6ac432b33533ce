"""What a sweep prints before and after: the plan, the failures, and how to run them again."""

import shlex
from collections import Counter
from typing import Any

from rich.table import Table
from rich.text import Text

from lnlbench.sweep.executor import Job
from lnlbench.sweep.plan import Plan, PlannedRun, total
from lnlbench.sweep.report import RunReport
from lnlbench.system.console import Console
from lnlbench.system.text import duration


def rerun_command(job: Job, options: tuple[str, ...]) -> str:
    """The command that starts or resumes one run."""
    return shlex.join(["lnlbench", "run", "--resume", str(job.directory.path), *options])


def print_plan(plan: Plan, slots: int | None, console: Console, samples: bool = False) -> None:
    """Show how many runs of each method and track are done and missing, and how long they take.

    Without `slots` it is unknown how many run at once, so the time is the sum over all runs.
    `samples` says whether the user wants samples.parquet of each run.
    """
    groups: dict[tuple[str, str], list[PlannedRun]] = {}
    for run in plan.runs:
        groups.setdefault((run.spec.track, run.spec.method), []).append(run)
    table = Table("track", "method", "runs", "done", "missing", "estimated", box=None)
    for (track, method), runs in groups.items():
        states = Counter(run.state for run in runs)
        missing = [run.seconds for run in runs if run.missing]
        # Text, not str: a method's name must not be read as markup.
        cells = [str(len(runs)), str(states["done"]), str(len(missing))]
        table.add_row(Text(track), Text(method), *cells, _estimate(total(missing), 1))
    console.print(table)
    missing_runs = plan.missing
    line = f"{len(missing_runs)} of {len(plan.runs)} runs are missing"
    states = Counter(run.state for run in missing_runs if run.state != "missing")
    if states:
        line += f" ({', '.join(f'{count} {state}' for state, count in sorted(states.items()))})"
    unknown = sum(run.seconds is None for run in missing_runs)
    if missing_runs:
        known = sum(run.seconds or 0.0 for run in missing_runs)
        line += "" if slots is None else f"; {slots} at a time"
        line += f", estimated {_estimate(known, slots or 1)}" if unknown < len(missing_runs) else ""
        line += f", {unknown} without a recorded cost" if unknown else ""
    for text in (f"{line}.", *notes(plan, samples)):
        console.print(text, markup=False, highlight=False, soft_wrap=True)


def notes(plan: Plan, samples: bool) -> list[str]:
    """What a plan leaves undone: runs that tracks refuse, and samples.parquet of done runs."""
    counts = Counter(
        (run.spec.method, run.spec.track, run.reason) for run in plan.runs if run.reason is not None
    )
    lines = [
        f"Refused: {method} · {track}, {count} runs: {reason}"
        for (method, track, reason), count in counts.items()
    ]
    done = [run for run in plan.runs if samples and run.state == "done"]
    without = sum(not run.directory.samples_file.exists() for run in done)
    if without:
        lines.append(
            f"{without} of the runs that are done have no samples.parquet: they were made without "
            "--samples, or elsewhere. 'lnlbench run … --samples --overwrite' makes one anew."
        )
    return lines


def print_summary(
    reports: list[RunReport], missing: int, options: tuple[str, ...], console: Console
) -> None:
    """Show how many runs ended how, and the failures with the commands that repeat them."""
    counts = Counter(report.ending for report in reports)
    parts = [f"{count} {status}" for status, count in sorted(counts.items())]
    if missing > len(reports):
        parts.append(f"{missing - len(reports)} not started")
    runs = "1 run" if missing == 1 else f"{missing} runs"
    lines = [f"{runs}: {', '.join(parts)}."] if parts else []
    for report in reports:
        if report.status in ("failed", "diverged"):
            lines.append(f"{report.job.title} {report.status}: {report.reason}")
            lines.append(f"  again: {rerun_command(report.job, options)}")
    held = any(report.status == "held" for report in reports)
    if held or "interrupted" in counts or missing > len(reports):
        lines.append("Run the same command again to finish what is missing.")
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def plan_document(plan: Plan) -> dict[str, Any]:
    """The plan as JSON values."""
    return {"runs": [_planned(run) for run in plan.runs], "estimated_seconds": plan.seconds}


def reports_document(
    plan: Plan, reports: list[RunReport], options: tuple[str, ...]
) -> dict[str, Any]:
    """The present state of every run of the plan, as JSON values."""
    ended = {report.job.spec.fingerprint: report for report in reports}
    documents = []
    for run in plan.runs:
        document = _planned(run)
        report = ended.get(run.spec.fingerprint)
        if report is not None:
            document |= {
                "state": report.status,
                "reason": report.reason,
                "result_file": report.result_file,
                "seconds": report.seconds,
                "rerun": rerun_command(report.job, options),
            }
        documents.append(document)
    return {"runs": documents}


def _planned(run: PlannedRun) -> dict[str, Any]:
    spec = run.spec
    return {
        "method": spec.method,
        "track": spec.track,
        "seed": spec.seed,
        "fingerprint": spec.fingerprint,
        "state": run.state,
        "reason": run.reason,
        "estimated_seconds": run.seconds,
        "run_directory": str(run.directory.path),
    }


def _estimate(seconds: float | None, slots: int) -> str:
    return "unknown" if seconds is None else duration(seconds / slots)
