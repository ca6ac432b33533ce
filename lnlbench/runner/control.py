"""How a method's run calls the runner back without a reference that the method could follow.

An execution holds the clean labels and the test split. If the method's run held a reference to it,
even as the `self` of a bound method, a method could follow the reference and learn from the labels
that score it. So the run gets a control without references: each of its calls looks up the
execution in progress in a context variable of this module. This stops a method from finding the
truth by accident. It cannot stop code that imports this module on purpose.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from torch import Tensor

from lnlbench.interface.host import RunControl

in_progress: ContextVar[RunControl] = ContextVar("execution in progress")


class ControlByLookup(RunControl):
    """Hands each call to the execution in progress, to which it has no reference."""

    def restore(self) -> int:
        """See `Execution.restore`."""
        return in_progress.get().restore()

    def step_finished(self) -> None:
        """See `Execution.step_finished`."""
        in_progress.get().step_finished()

    def working(self, what: str, done: int, total: int) -> None:
        """See `Execution.working`."""
        in_progress.get().working(what, done, total)

    def epoch_finished(self, epoch: int) -> None:
        """See `Execution.epoch_finished`."""
        in_progress.get().epoch_finished(epoch)

    def save(
        self, name: str, kind: str, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]
    ) -> None:
        """See `Execution.save`."""
        in_progress.get().save(name, kind, tensors, facts)
