"""The finding on a run that did not end: it names the cause, not the check that was running."""

from lnlbench.errors import RunError
from lnlbench.runner.checkpoint import capture
from lnlbench.testing.report import Finding
from lnlbench.testing.trials import Trial


def unfinished(check: str, trial: Trial, advice: str, before: str = "") -> Finding:
    """A failed finding on a run that did not end; `before` says on which data it ran.

    The finding is on `saved state` if a checkpoint cannot hold what is on self.
    """
    try:
        capture(trial.method)
    except RunError as error:
        if str(error) in trial.problem:
            return Finding(
                "saved state",
                "failed",
                f"{before}{trial.problem}",
                "Store it as a tensor, an array, a list or a dict: a set as a sorted list, or as "
                "a mask over the samples.",
            )
    return Finding(check, "failed", f"{before}{trial.problem}", advice)
