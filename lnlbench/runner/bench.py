"""Timing a method's epoch against its floor: the same network passes on preloaded tensors."""

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lnlbench.augment.views import ImageViews
from lnlbench.method import Method
from lnlbench.networks import build_backbone
from lnlbench.networks.precision import PreciseNetwork, resolve_precision
from lnlbench.run import Run, RunHost
from lnlbench.runner.devices import describe_device, peak_memory_bytes
from lnlbench.runner.optimizers import build_optimizer
from lnlbench.runner.seeds import generator_for, global_streams_kept
from lnlbench.tracks import Protocol

IMAGE_SIZE = 32
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
    """One call of a network, or (`network` None) one optimizer step after the latest call."""

    network: int | None
    batch: int = 0
    training: bool = False
    gradients: bool = False


class Floor:
    """Networks of the same kind, and one preloaded batch, to replay recorded passes on."""

    def __init__(
        self, build: Callable[[], nn.Module], protocol: Protocol, classes: int, device: torch.device
    ) -> None:
        self._build = build
        self._protocol = protocol
        self._classes = classes
        self._device = device
        self._networks: dict[int, tuple[nn.Module, torch.optim.Optimizer]] = {}
        self._images = torch.empty(0, 3, IMAGE_SIZE, IMAGE_SIZE, device=device)

    def prepare(self, passes: list[Pass]) -> None:
        """Make what the passes need, outside the timed part."""
        for number in {each.network for each in passes if each.network is not None}:
            if number not in self._networks:
                network = self._build()
                optimizer = build_optimizer(network, self._protocol.optimizer)
                self._networks[number] = (network, optimizer)
        largest = max((each.batch for each in passes), default=0)
        if largest > len(self._images):
            images = torch.randn(largest, 3, IMAGE_SIZE, IMAGE_SIZE, device=self._device)
            self._images = images.to(memory_format=torch.channels_last)
            self._labels = torch.randint(self._classes, (largest,), device=self._device)

    def replay(self, passes: list[Pass]) -> None:
        """Run the passes: nothing but forward, backward and optimizer steps."""
        logits: Tensor | None = None
        latest: int | None = None
        for each in passes:
            if each.network is None:
                assert logits is not None and latest is not None
                optimizer = self._networks[latest][1]
                optimizer.zero_grad(set_to_none=True)
                cross_entropy(logits, self._labels[: len(logits)]).backward()
                optimizer.step()
                continue
            network = self._networks[each.network][0]
            network.train(each.training)
            with torch.set_grad_enabled(each.gradients):
                output = network(self._images[: each.batch])
            if each.gradients:
                logits, latest = output, each.network


def bench_method(
    method: Method, protocol: Protocol, samples: int, repeats: int, device: torch.device
) -> Timing:
    """Time epochs of a method on random images, each followed by its own floor.

    Interleaving lets the ratio survive a machine whose speed drifts. Evaluation is not timed.
    """
    classes = 100
    precision = resolve_precision(protocol.precision, device)
    passes: list[Pass] = []
    seconds: list[float] = []
    floors: list[float] = []
    counts: list[int] = []

    def build() -> nn.Module:
        body = build_backbone(protocol.backbone, classes, channels=3, image_size=IMAGE_SIZE)
        return PreciseNetwork(body, precision, device)

    numbers: dict[nn.Module, int] = {}

    def build_recorded() -> nn.Module:
        network = build()
        number = numbers.setdefault(network, len(numbers))

        def note(module: nn.Module, inputs: tuple[Tensor]) -> None:
            passes.append(Pass(number, len(inputs[0]), module.training, torch.is_grad_enabled()))

        network.register_forward_pre_hook(note)
        return network

    floor = Floor(build, protocol, classes, device)

    def epoch_finished(epoch: int) -> None:
        _wait(device)
        elapsed = time.perf_counter() - began[0]
        floor.prepare(passes)
        if epoch == 0:
            floor.replay(passes)
        _wait(device)
        floor_began = time.perf_counter()
        floor.replay(passes)
        _wait(device)
        if epoch >= UNTIMED_EPOCHS:
            seconds.append(elapsed)
            floors.append(time.perf_counter() - floor_began)
            counts.append(run.samples)
        passes.clear()
        began[0] = time.perf_counter()

    generator = generator_for(0, "bench")
    shape = (samples, 3, IMAGE_SIZE, IMAGE_SIZE)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    run = Run(
        RunHost(
            views=ImageViews(images, (0.5,) * 3, (0.25,) * 3, protocol.augment, device),
            labels=torch.randint(classes, (samples,), generator=generator).to(device),
            num_classes=classes,
            max_epochs=UNTIMED_EPOCHS + repeats,
            batch_size=protocol.batch_size,
            eval_batch_size=2048 if device.type == "cuda" else 500,
            seed=0,
            device=device,
            build_network=build_recorded,
            build_optimizer=lambda network: build_optimizer(network, protocol.optimizer),
            learning_rate_factor=lambda epoch: 1.0,
            epoch_finished=epoch_finished,
            step_finished=lambda: passes.append(Pass(None)),
        )
    )
    began = [time.perf_counter()]
    with global_streams_kept():
        method.fit(run)
    typical = statistics.median(seconds)
    return Timing(
        method=method.name,
        backbone=protocol.backbone,
        samples=samples,
        batch_size=protocol.batch_size,
        precision=precision,
        device=describe_device(device),
        repeats=repeats,
        seconds_per_epoch=typical,
        images_per_second=statistics.median(counts) / typical,
        floor_seconds=statistics.median(floors),
        ratio_to_floor=statistics.median(a / b for a, b in zip(seconds, floors, strict=True)),
        peak_memory_bytes=peak_memory_bytes(device),
    )


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
