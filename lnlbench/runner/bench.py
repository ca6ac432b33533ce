"""Timing a method's epoch against its floor: the same network passes on preloaded tensors."""

import statistics
import time
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lnlbench.augment.views import ImageViews
from lnlbench.method import Method
from lnlbench.networks import build_backbone
from lnlbench.networks.precision import PreciseNetwork, resolve_precision
from lnlbench.run import Run, RunHost
from lnlbench.runner.devices import describe_device, peak_memory_bytes, reset_peak_memory
from lnlbench.runner.optimizers import build_optimizer
from lnlbench.seeds import generator_for, global_streams_kept
from lnlbench.tracks import Protocol

IMAGE_SIZE = 32
NUM_CLASSES = 100
# One epoch of warm-up training and one to reach steady state, before any is timed.
UNTIMED_EPOCHS = 2


@dataclass(frozen=True)
class Timing:
    """Medians over the timed epochs; `ratio_to_floor` is the median of the epochs' own ratios."""

    method: str
    backbone: str
    samples: int
    batch_size: int
    precision: str
    device: str
    repeats: int
    seconds_per_epoch: float
    images_per_second: float
    floor_seconds: float
    ratio_to_floor: float
    peak_memory_bytes: int

    def document(self) -> dict[str, object]:
        """The timing as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Pass:
    """One call of a network, or (`network` None) one optimizer step on the calls since the last."""

    network: int | None
    batch: int = 0
    training: bool = False
    gradients: bool = False


class Floor:
    """Networks of the same kind, and one preloaded batch, to replay recorded passes on."""

    def __init__(self, protocol: Protocol, precision: str, device: torch.device) -> None:
        self._protocol = protocol
        self._precision = precision
        self._device = device
        self._networks: dict[int, tuple[nn.Module, torch.optim.Optimizer]] = {}
        self._images = torch.empty(0, device=device)

    def build(self) -> nn.Module:
        """A network as a run would build it."""
        body = build_backbone(self._protocol.backbone, NUM_CLASSES, 3, IMAGE_SIZE)
        return PreciseNetwork(body, self._precision, self._device)

    def prepare(self, passes: list[Pass]) -> None:
        """Make what the passes need, outside the timed part."""
        for number in {each.network for each in passes if each.network is not None}:
            if number not in self._networks:
                network = self.build()
                optimizer = build_optimizer(network, self._protocol)
                self._networks[number] = (network, optimizer)
        largest = max((each.batch for each in passes), default=0)
        if largest > len(self._images):
            images = torch.randn(largest, 3, IMAGE_SIZE, IMAGE_SIZE, device=self._device)
            self._images = images.to(memory_format=torch.channels_last)
            self._labels = torch.randint(NUM_CLASSES, (largest,), device=self._device)

    def replay(self, passes: list[Pass]) -> float:
        """Run the passes, nothing but forward, backward and optimizer steps; returns seconds."""
        _wait(self._device)
        began = time.perf_counter()
        pending: list[tuple[int, Tensor]] = []
        for each in passes:
            if each.network is None:
                # Some methods step two networks after two passes, others both in one step: the
                # first step after them does the work of all, whichever way it was.
                self._learn(pending)
                pending.clear()
                continue
            network = self._networks[each.network][0]
            network.train(each.training)
            with torch.set_grad_enabled(each.gradients):
                output = network(self._images[: each.batch])
            if each.gradients:
                pending.append((each.network, output))
        _wait(self._device)
        return time.perf_counter() - began

    def _learn(self, pending: list[tuple[int, Tensor]]) -> None:
        for number, logits in pending:
            optimizer = self._networks[number][1]
            optimizer.zero_grad(set_to_none=True)
            cross_entropy(logits, self._labels[: len(logits)]).backward()
            optimizer.step()


class EpochTimer:
    """Records a method's network passes, times its epochs, and each epoch's floor after it.

    Interleaving lets the ratio survive a machine whose speed drifts.
    """

    def __init__(self, floor: Floor, device: torch.device) -> None:
        self.epochs: list[float] = []
        self.floors: list[float] = []
        self.steps = 0
        self._floor = floor
        self._device = device
        self._passes: list[Pass] = []
        self._numbers: dict[nn.Module, int] = {}
        self._began = time.perf_counter()

    def build_network(self) -> nn.Module:
        """A network whose passes are recorded."""
        network = self._floor.build()
        number = self._numbers.setdefault(network, len(self._numbers))

        def record(module: nn.Module, inputs: tuple[Tensor]) -> None:
            gradients = torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
            self._passes.append(Pass(number, len(inputs[0]), module.training, gradients))

        network.register_forward_pre_hook(record)
        return network

    def step_finished(self) -> None:
        """Record an optimizer step."""
        self.steps += 1
        self._passes.append(Pass(None))

    def epoch_finished(self, epoch: int) -> None:
        """Note the epoch's time, then replay its passes; evaluation is no part of either."""
        _wait(self._device)
        elapsed = time.perf_counter() - self._began
        self._floor.prepare(self._passes)
        floor = self._floor.replay(self._passes)
        if epoch >= UNTIMED_EPOCHS:
            self.epochs.append(elapsed)
            self.floors.append(floor)
        self._passes.clear()
        self._began = time.perf_counter()


def bench_method(
    method: Method, protocol: Protocol, samples: int, repeats: int, device: torch.device
) -> Timing | None:
    """Time epochs of a method on random images beside their floors; None if it takes no step."""
    reset_peak_memory(device)
    precision = resolve_precision(protocol.precision, device)
    timer = EpochTimer(Floor(protocol, precision, device), device)
    generator = generator_for(0, "bench")
    shape = (samples, 3, IMAGE_SIZE, IMAGE_SIZE)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    run = Run(
        RunHost(
            views=ImageViews(images, (0.5,) * 3, (0.25,) * 3, protocol.augment, device),
            labels=torch.randint(NUM_CLASSES, (samples,), generator=generator).to(device),
            num_classes=NUM_CLASSES,
            max_epochs=UNTIMED_EPOCHS + repeats,
            batch_size=protocol.batch_size,
            eval_batch_size=2048 if device.type == "cuda" else 500,
            seed=0,
            device=device,
            build_network=timer.build_network,
            build_optimizer=lambda network: build_optimizer(network, protocol),
            learning_rate_factor=lambda epoch: 1.0,
            epoch_finished=timer.epoch_finished,
            step_finished=timer.step_finished,
        )
    )
    with global_streams_kept():
        method.fit(run)
    if not timer.steps:
        return None
    seconds = statistics.median(timer.epochs)
    ratios = [epoch / floor for epoch, floor in zip(timer.epochs, timer.floors, strict=True)]
    return Timing(
        method=method.name,
        backbone=protocol.backbone,
        samples=samples,
        batch_size=protocol.batch_size,
        precision=precision,
        device=describe_device(device),
        repeats=repeats,
        seconds_per_epoch=seconds,
        images_per_second=run.samples / seconds,
        floor_seconds=statistics.median(timer.floors),
        ratio_to_floor=statistics.median(ratios),
        peak_memory_bytes=peak_memory_bytes(device),
    )


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
