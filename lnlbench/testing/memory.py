"""Whether a method holds more and more tensors, step after step."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from lnlbench.interface.run import Run
from lnlbench.testing.report import Finding
from lnlbench.testing.trials import Trials, Watch, digits
from lnlbench.testing.verdict import unfinished

_SAMPLES, _BATCH = 128, 16
_BATCHES = _SAMPLES // _BATCH
_EPOCHS = 6
# Earlier epochs may fill a buffer that then keeps its size.
_LAST = 3


class LiveTensors(TorchDispatchMode):
    """Counts the storages of tensors that were made in this context and still exist.

    Tensors that only an autograd graph holds count as well.
    """

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[int, tuple[StorageWeakRef, int]] = {}

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Call the operation, and remember where its outputs are stored."""
        output = func(*args, **(kwargs or {}))
        for each in tree_leaves(output):
            if isinstance(each, Tensor):
                storage = each.untyped_storage()
                # An address cannot be used again while a weak reference keeps it.
                if storage._cdata not in self._made:
                    self._made[storage._cdata] = (StorageWeakRef(storage), storage.nbytes())
        return output

    def held(self) -> tuple[int, int]:
        """How many storages exist, and their bytes."""
        self._made = {key: pair for key, pair in self._made.items() if not pair[0].expired()}
        return len(self._made), sum(size for _, size in self._made.values())


@dataclass
class _Memory(Watch):
    """Notes after each step how many storages exist, for each epoch."""

    live: LiveTensors = field(default_factory=LiveTensors)
    held: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    def step(self, run: Run, seconds: float) -> None:
        """Count the storages."""
        super().step(run, seconds)
        self.held.setdefault(run.epoch, []).append(self.live.held())


def check_memory(trials: Trials) -> Finding:
    """The method does not hold more tensors after every step.

    A list that an epoch fills and empties is no leak, nor is one tensor more after each epoch.
    """
    watch = _Memory()
    with watch.live:
        trial = trials.run(digits(_SAMPLES), watch=watch, epochs=_EPOCHS, batch_size=_BATCH)
    if not trial.done:
        return unfinished("memory", trial, f"It ran for fewer epochs, but fails with {_EPOCHS}.")
    last = [watch.held[epoch] for epoch in sorted(watch.held)[-_LAST:]]
    if len(last) < _LAST:
        return Finding("memory", "skipped", "It takes no step in most epochs.")
    ends = [steps[-1] for steps in last]
    # The second step, because the first of an epoch may free what the epoch before has kept.
    within = min(steps[-1][0] - steps[:2][-1][0] for steps in last)
    between = min(later[0] - earlier[0] for earlier, later in pairwise(ends))
    if within < _BATCHES - 2 or between < _BATCHES:
        found = f"In {watch.steps} steps, it does not hold more and more tensors."
        return Finding("memory", "passed", found)
    grown = (ends[-1][1] - ends[0][1]) / (_LAST - 1)
    return Finding(
        "memory",
        "failed",
        f"It holds more tensors after every step: {between} more in each epoch of {_BATCHES} "
        f"batches, {grown / 1024:.1f} KiB.",
        "Keep loss.item() or loss.detach() instead of the loss, which holds its graph. Empty lists "
        "of outputs after each epoch. A queue of limited length is no mistake: give the check a "
        "parameter that makes the queue shorter.",
    )
