"""Checks for plugin authors: `from lnlbench.testing import check_method`."""

from collections.abc import Mapping
from typing import Any

from lnlbench.interface.method import Method
from lnlbench.testing.backbones import check_backbone
from lnlbench.testing.behavior import (
    ShortRuns,
    check_global_state,
    check_resume,
    check_runs,
    check_seeds,
    measure_cost,
)
from lnlbench.testing.datasets import check_dataset
from lnlbench.testing.declarations import check_metadata, check_parameters
from lnlbench.testing.edges import check_belief, check_edges, check_predictions
from lnlbench.testing.memory import check_memory
from lnlbench.testing.phases import check_phases
from lnlbench.testing.privacy import check_privacy
from lnlbench.testing.report import Finding, Report
from lnlbench.testing.trials import Trials
from lnlbench.testing.verdict import unfinished

__all__ = ["Finding", "Report", "check_backbone", "check_dataset", "check_method", "examine_method"]


def check_method(method: type[Method], params: Mapping[str, Any] | None = None) -> Report:
    """All checks of a method on the CPU, without files or network; takes seconds to minutes.

    `params` are the method's parameters in every run, on top of its `quick_params`.

    Raises:
        AssertionError: a check failed; the message is the whole report, with what to do.
    """
    report = examine_method(method, params)
    if not report.passed:
        raise AssertionError(f"\n{report}")
    return report


def examine_method(method: type[Method], params: Mapping[str, Any] | None = None) -> Report:
    """The same checks; returns a report even if checks fail."""
    name = getattr(method, "name", None) or getattr(method, "__name__", repr(method))
    report = Report(f"method {name}")
    report.findings.append(check_metadata(method))
    if not report.passed:
        return report
    report.findings.append(check_parameters(method))
    trials = Trials(method, params or {})
    short = ShortRuns(trials)
    finding, trial = check_runs(trials)
    if trial.done and not short.first.done:
        finding = unfinished(
            "runs", short.first, "It runs on all digits, but fails on 203 of them."
        )
    report.findings.append(finding)
    if short.first.changed or short.first.done:
        report.findings.append(check_global_state(short))
    if not (trial.done and short.first.done):
        return report
    report.findings += [
        check_seeds(short),
        check_resume(short),
        check_privacy(trials, short.repeatable),
        check_edges(trials),
        check_predictions(short.first),
        check_belief(trials),
        check_memory(trials),
        measure_cost(trials, trial),
    ]
    report.findings.append(check_phases(trials.reached))
    return report
