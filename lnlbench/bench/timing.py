"""Time a method on random data: its epochs, their floors, and where the time goes."""

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from lnlbench.augment.views import Views
from lnlbench.bench.data import NUM_CLASSES, random_samples, views_of
from lnlbench.bench.epoch_timer import UNTIMED_EPOCHS, EpochTimer, Setting
from lnlbench.bench.floor import NetworkKind
from lnlbench.bench.roofline import Roofline
from lnlbench.bench.sections import TimedRun, TimedViews
from lnlbench.interface.host import RunHost
from lnlbench.interface.method import Method
from lnlbench.networks.precision import resolve_precision
from lnlbench.runner.devices import describe_device
from lnlbench.runner.evaluation import Evaluator, eval_batch_size
from lnlbench.runner.inputs import Inputs
from lnlbench.runner.optimizers import build_optimizer
from lnlbench.runner.split import LabeledImages, Split, evaluation_sample
from lnlbench.seeds import generator_for, global_streams_kept
from lnlbench.system.memory import reset_peak_memory
from lnlbench.tracks import Protocol

TEST_SHARE = 5  # as in CIFAR: one test image for five training images


@dataclass(frozen=True)
class Timing:
    """Medians over the timed epochs; a ratio is the median of the ratios of the epochs.

    `shares` come from one more epoch, which the clock makes slower. An epoch does not include
    `evaluation_seconds`. `untimed_seconds` count the epochs before the first timed one, and
    compilation. The peak of memory is the peak of the method without the floor. A page fault is a
    page of memory (4 KiB) that the system has cleared and given to the process. The roofline is the
    floor's, of the last timed epoch. It is None if the passes make no matrix product.
    """

    method: str
    option: str
    backbone: str
    samples: int
    batch_size: int
    precision: str
    compiled: bool
    device: str
    repeats: int
    untimed_seconds: float
    epochs: tuple[float, ...]
    seconds_per_epoch: float
    images_per_second: float
    floor_seconds: float
    ratio_to_floor: float
    roofline: Roofline | None
    reference_seconds: float | None
    ratio_to_reference: float | None
    shares: dict[str, float]
    evaluation_seconds: float
    page_faults_per_step: float
    peak_memory_bytes: int

    def document(self) -> dict[str, object]:
        """The timing as JSON values."""
        return asdict(self)


def bench_method(
    method: Method,
    protocol: Protocol,
    setting: Setting,
    device: torch.device,
    option: str = "",
    pause: Callable[[], None] = lambda: None,
) -> Timing | None:
    """Time epochs of a method on random images and their floors; None if it takes no step.

    `option` names the setting in the result. `pause` is called between two epochs.
    """
    reset_peak_memory(device)
    precision = resolve_precision(protocol.precision, device)
    kind = NetworkKind(protocol, precision, device, setting.compiled)
    timer = EpochTimer(kind, setting, pause)
    generator = generator_for(0, "bench")
    samples = random_samples(protocol, setting.samples, generator)
    labels = torch.randint(NUM_CLASSES, (setting.samples,), generator=generator)
    views = views_of(protocol, samples, protocol.augment, device)
    timed = TimedViews(views, timer.sections)
    run = TimedRun(_host(timed, labels.to(device), protocol, setting, timer), timer.sections)
    with global_streams_kept():
        method.fit(run)
    if not timer.steps:
        return None
    seconds = statistics.median(timer.epochs)
    return Timing(
        method=method.name,
        option=option,
        backbone=protocol.backbone,
        samples=setting.samples,
        batch_size=protocol.batch_size,
        precision=precision,
        compiled=setting.compiled,
        device=describe_device(device),
        repeats=setting.repeats,
        untimed_seconds=timer.untimed_seconds,
        epochs=tuple(timer.epochs),
        seconds_per_epoch=seconds,
        images_per_second=run.samples / seconds,
        floor_seconds=statistics.median(timer.floors),
        ratio_to_floor=_median_ratio(timer.epochs, timer.floors),
        roofline=timer.roofline,
        reference_seconds=statistics.median(timer.references) if setting.reference else None,
        ratio_to_reference=(
            _median_ratio(timer.epochs, timer.references) if setting.reference else None
        ),
        shares=timer.shares,
        evaluation_seconds=_evaluation_seconds(method, protocol, views, samples, labels, device),
        page_faults_per_step=statistics.median(timer.faults_per_step),
        peak_memory_bytes=timer.peak_memory_bytes,
    )


def _host(
    views: TimedViews, labels: Tensor, protocol: Protocol, setting: Setting, timer: EpochTimer
) -> RunHost:
    """The parts of the timed run: it has untimed epochs, then timed epochs, and a last epoch."""
    return RunHost(
        views=views,
        labels=labels,
        num_classes=NUM_CLASSES,
        max_epochs=UNTIMED_EPOCHS + setting.repeats + 1,
        batch_size=protocol.batch_size,
        eval_batch_size=eval_batch_size(protocol, labels.device),
        seed=0,
        device=labels.device,
        build_network=timer.build_network,
        build_optimizer=lambda network: build_optimizer(network, protocol),
        learning_rate_factor=lambda epoch: 1.0,
        control=timer,
    )


def _median_ratio(epochs: list[float], floors: list[float]) -> float:
    return statistics.median(epoch / floor for epoch, floor in zip(epochs, floors, strict=True))


def _evaluation_seconds(
    method: Method,
    protocol: Protocol,
    views: Views,
    samples: list[Tensor],
    labels: Tensor,
    device: torch.device,
) -> float:
    """Seconds of the evaluation between two epochs, on test samples and some training samples."""
    count = len(labels)
    # The test samples come from the training set; their contents do not matter.
    test = torch.arange(max(1, count // TEST_SHARE))

    def part(index: Tensor) -> LabeledImages:
        return LabeledImages(samples[0][index], labels[index], index)

    def plain(index: Tensor) -> Views:
        return views_of(protocol, [view[index] for view in samples[:1]], "none", device)

    split = Split(part(torch.arange(count)), labels, None, part(test))
    inputs = Inputs(views, plain(evaluation_sample(count)), plain(test), None, nn.Identity)
    evaluator = Evaluator(split, inputs, eval_batch_size(protocol, device))
    evaluator.evaluate(method)
    began = time.perf_counter()
    evaluator.evaluate(method)
    return time.perf_counter() - began
