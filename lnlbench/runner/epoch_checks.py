"""Whether `fit` trains in one loop over `run.epochs()`, and leaves scores and parameters alone."""

from collections.abc import Iterable

from lnlbench.errors import RunError, shown
from lnlbench.interface.method import Method
from lnlbench.results.scores import SCORES
from lnlbench.runner.record import Record
from lnlbench.spec.run_spec import RunSpec, params_of


def check_first(began: bool) -> None:
    """Raises RunError if the run's epochs have begun already."""
    if began:
        raise RunError(
            "fit() asks for run.epochs() a second time, and a run has its epochs once. Write one "
            "loop, and choose the phase by the number of the epoch."
        )


def check_inside(began: bool) -> None:
    """Raises RunError if a step is made before the run's first epoch."""
    if not began:
        raise RunError(
            "fit() calls run.step before run.epochs(). Train in `for epoch in run.epochs():`, "
            "which evaluates and saves after each epoch."
        )


def check_ended(record: Record, method: Method, wanted: int) -> None:
    """Raises RunError if `fit` has returned before the end of the last epoch."""
    if record.epochs < wanted:
        raise RunError(
            f"fit() of {method.name!r} returned after {record.epochs} of {wanted} epochs. Train in "
            "`for epoch in run.epochs():`, and let this loop come to its end."
        )


def check_names(logged: Iterable[str], measured: Iterable[str], method: Method) -> None:
    """Raises RunError if the method logs a curve under a name that lnlbench's own curves have."""
    taken = {*measured, *(score.name for score in SCORES)}
    clashes = [name for name in logged if name in taken]
    if clashes:
        raise RunError(
            f"{method.name!r} logs {clashes[0]!r}, and lnlbench measures a score of this name. "
            f"Choose another: run.log(own_{clashes[0]}=…)."
        )


def check_params(method: Method, spec: RunSpec) -> None:
    """Raises RunError if the method has changed its parameters, such as a list among them.

    A result and its fingerprint state the values of the spec, and a resumed run starts with them.
    """
    given = params_of(spec, type(method))
    for name in type(given).model_fields:
        before, now = getattr(given, name), getattr(method.params, name, None)
        if now != before:
            raise RunError(
                f"{method.name!r} has changed self.params.{name} from {shown(before)} to "
                f"{shown(now)}. Parameters stay as the result states them: change a copy on self."
            )
