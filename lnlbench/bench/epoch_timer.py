"""Time each epoch of a method, and after it the floor of the epoch."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lnlbench.bench.floor import Floor, NetworkKind, Pass, view_by_view
from lnlbench.bench.roofline import Roofline, measure
from lnlbench.bench.sections import Sections, time_passes
from lnlbench.interface.host import RunControl
from lnlbench.runner.devices import wait_for
from lnlbench.system.freed_memory import page_faults
from lnlbench.system.memory import peak_memory_bytes

# Before the timed epochs: one epoch of warm-up training, and one to reach a steady state.
UNTIMED_EPOCHS = 2


@dataclass(frozen=True)
class Setting:
    """What to time, apart from the method and its protocol.

    With `reference`, the timer also replays the passes as reference implementations make them: in
    float32, contiguous layout, and one pass for each view.
    """

    samples: int
    repeats: int
    compiled: bool = False
    reference: bool = False


class EpochTimer(RunControl):
    """Records a method's network passes, and times its epochs and, after each, its floors.

    Epochs and floors alternate, so that the ratios stay right if the speed of the machine drifts.
    """

    def __init__(self, kind: NetworkKind, setting: Setting, pause: Callable[[], None]) -> None:
        self.epochs: list[float] = []
        self.floors: list[float] = []
        self.references: list[float] = []
        self.faults_per_step: list[float] = []
        self.roofline: Roofline | None = None
        self.untimed_seconds = 0.0
        self.steps = 0
        self.peak_memory_bytes = 0
        self.shares: dict[str, float] = {}
        self.sections = Sections(kind.device)
        self._kind = kind
        self._setting = setting
        self._pause = pause
        self._floor = Floor(kind)
        plain = NetworkKind(kind.protocol, "fp32", kind.device, channels_last=False)
        self._reference = Floor(plain) if setting.reference else None
        self._passes: list[Pass] = []
        self._numbers: dict[nn.Module, int] = {}
        self._begin()

    def build_network(self) -> nn.Module:
        """A network that records its passes."""
        network = self._kind.build()
        number = self._numbers.setdefault(network, len(self._numbers))

        def record(module: nn.Module, inputs: tuple[Tensor]) -> None:
            large = torch.is_inference_mode_enabled()
            gradients = torch.is_grad_enabled() and not large
            self._passes.append(Pass(number, len(inputs[0]), module.training, gradients, large))

        network.register_forward_pre_hook(record)
        time_passes(network, self.sections)
        return network

    def step_finished(self) -> None:
        """Record an optimizer step."""
        self.steps += 1
        self._passes.append(Pass(None))

    def epoch_finished(self, epoch: int) -> None:
        """Note the epoch's time, then replay its passes; neither includes evaluation."""
        wait_for(self._kind.device)
        elapsed = time.perf_counter() - self._began
        faults = (page_faults() - self._faults_before) / max(1, self.steps - self._steps_before)
        timed = epoch - UNTIMED_EPOCHS
        if timed < 0:
            self.untimed_seconds += elapsed
            # The floor has no networks of its own yet.
            self.peak_memory_bytes = peak_memory_bytes(self._kind.device)
        if timed == self._setting.repeats:
            self.shares = self.sections.stop()
        elif timed >= -1:
            floor, reference = self._replay()
            if timed >= 0:
                self.epochs.append(elapsed)
                self.floors.append(floor)
                self.references.append(reference)
                self.faults_per_step.append(faults)
        if timed == self._setting.repeats - 1:
            self.roofline = measure(self._kind, self._floor, self._passes)
        self._passes.clear()
        self._pause()
        if timed == self._setting.repeats - 1:
            self.sections.start()
        self._begin()

    def _begin(self) -> None:
        self._steps_before, self._faults_before = self.steps, page_faults()
        self._began = time.perf_counter()

    def _replay(self) -> tuple[float, float]:
        """Seconds of the floor, and of the reference's passes (0 without `reference`)."""
        self._floor.prepare(self._passes)
        seconds = self._floor.replay(self._passes)
        if self._reference is None:
            return seconds, 0.0
        passes = view_by_view(self._passes, max(2, self._kind.protocol.batch_size // 2))
        self._reference.prepare(passes)
        return seconds, self._reference.replay(passes)
