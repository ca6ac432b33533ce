"""Measure where the time of an epoch goes: a clock that switches between kinds of work."""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from lnlbench.augment.views import Bounds, Views
from lnlbench.interface.batch import Batch
from lnlbench.interface.host import RunHost
from lnlbench.interface.run import Run
from lnlbench.runner.devices import wait_for

# Selection is the work of a method before the first batch of an epoch, without passes and views.
# Bookkeeping is the rest: losses, mixing, indices, logs.
SECTIONS = ("augmentation", "training", "no-grad passes", "selection", "bookkeeping")


class Sections:
    """Seconds of each section while the clock runs; an outer section excludes its inner ones."""

    def __init__(self, device: torch.device) -> None:
        self.on = False
        self._device = device
        self._stack = ["selection"]
        self._since = 0.0
        self._seconds: dict[str, float] = defaultdict(float)

    def start(self) -> None:
        """Begin an epoch."""
        self._seconds.clear()
        self._stack = ["selection"]
        self.on = True
        self._since = time.perf_counter()

    def stop(self) -> dict[str, float]:
        """End the epoch, and return the share of each section; the shares sum to 1."""
        self._switch()
        self.on = False
        total = sum(self._seconds.values())
        return {name: self._seconds[name] / total for name in SECTIONS}

    def select_no_more(self) -> None:
        """The method asks for the first batch: work outside all sections is now bookkeeping."""
        if self.on and self._stack[0] == "selection":
            self._switch()
            self._stack[0] = "bookkeeping"

    def enter(self, name: str) -> None:
        """Count time for this section until `leave`."""
        if self.on:
            self._switch()
            self._stack.append(name)

    def leave(self) -> None:
        """Return to the section around this one."""
        if self.on:
            self._switch()
            self._stack.pop()

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        """Call `enter` before a block and `leave` after it."""
        self.enter(name)
        yield
        self.leave()

    def _switch(self) -> None:
        # Wait, so that each section counts its own kernels; this makes the epoch slower.
        wait_for(self._device)
        now = time.perf_counter()
        self._seconds[self._stack[-1]] += now - self._since
        self._since = now


class TimedViews:
    """Views whose time counts as augmentation."""

    def __init__(self, views: Views, sections: Sections) -> None:
        self._views = views
        self._sections = sections
        self.check, self.block, self.in_memory = views.check, views.block, views.in_memory

    def ahead(self, index: Tensor, bounds: Bounds) -> Iterator[tuple[Views, Tensor]]:
        """As for the wrapped views, which are in memory."""
        return ((self, rows) for _, rows in self._views.ahead(index, bounds))

    def draw(self, augment: str, count: int, generator: torch.Generator) -> Tensor:
        """As for the wrapped views."""
        with self._sections.section("augmentation"):
            return self._views.draw(augment, count, generator)

    def view(self, index: Tensor, draw: Tensor, augment: str = "weak") -> Tensor:
        """As for the wrapped views."""
        with self._sections.section("augmentation"):
            return self._views.view(index, draw, augment)

    def plain(self, start: int, stop: int) -> Tensor:
        """As for the wrapped views."""
        with self._sections.section("augmentation"):
            return self._views.plain(start, stop)


class TimedRun(Run):
    """A run that separates selection, which comes before the batches, from training steps."""

    def __init__(self, host: RunHost, sections: Sections) -> None:
        super().__init__(host)
        self._sections = sections

    def batches(
        self,
        indices: Tensor | None = None,
        views: int | None = None,
        augment: str | Sequence[str] = "weak",
        batch_size: int | None = None,
        shuffle: bool = True,
    ) -> Iterator[Batch]:
        """As Run.batches; the first call in an epoch ends selection."""
        self._sections.select_no_more()
        return super().batches(indices, views, augment, batch_size, shuffle)

    def step(self, loss: Tensor, *optimizers: torch.optim.Optimizer) -> None:
        """As Run.step."""
        with self._sections.section("training"):
            super().step(loss, *optimizers)


def time_passes(network: nn.Module, sections: Sections) -> None:
    """Count the forward passes of a network as training or as no-grad passes."""

    def enter(module: nn.Module, inputs: tuple[Tensor]) -> None:
        sections.enter("training" if torch.is_grad_enabled() else "no-grad passes")

    def leave(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        sections.leave()

    network.register_forward_pre_hook(enter)
    network.register_forward_hook(leave)
