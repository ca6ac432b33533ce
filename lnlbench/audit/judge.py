"""A judge: a method that is trained on a part of the features, and asked about all of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from lnlbench.embeddings.views import EmbeddingViews, Standardization
from lnlbench.errors import Diverged, UsageError
from lnlbench.interface.host import RunControl, RunHost
from lnlbench.interface.method import Method
from lnlbench.interface.params import Params, validate_params
from lnlbench.interface.run import Run
from lnlbench.networks.evaluation_mode import evaluation_mode
from lnlbench.networks.heads import build_head
from lnlbench.networks.precision import PreciseNetwork
from lnlbench.runner.optimizers import build_optimizer
from lnlbench.seeds import global_streams_kept, seed_global_streams
from lnlbench.system.interruption import StopRequest, stop_on_signals
from lnlbench.tracks import Protocol, load_track
from lnlbench.tracks.schedule import learning_rate_factor

# The optimizer, the head and its dropout are those of this track, which noisy labels alone chose.
_TRACK = "cifar100n-embedding"
_LARGEST_BATCH, _SMALLEST_BATCH, _FEWEST_BATCHES = 256, 32, 40
_FEWEST_STEPS = 600
_ROWS = 2048


def protocol_for(count: int) -> Protocol:
    """The protocol of a judge that trains on `count` samples.

    Fewer samples get smaller batches and more epochs, so that no judge takes fewer than 600 steps.
    """
    protocol = load_track(_TRACK).protocol
    batch = min(_LARGEST_BATCH, max(_SMALLEST_BATCH, count // _FEWEST_BATCHES))
    steps = -(-count // batch)
    epochs = max(protocol.epochs, -(-_FEWEST_STEPS // steps))
    return protocol.model_copy(update={"batch_size": batch, "epochs": epochs})


@dataclass(frozen=True)
class Judge:
    """A method and its parameters."""

    method: type[Method]
    params: Params

    @classmethod
    def of(cls, method: type[Method], values: Mapping[str, Any]) -> "Judge":
        """The judge with these parameters.

        Raises:
            UsageError: the method needs the truth, or views that features do not have, or has no
                such parameter.
        """
        if method.oracle:
            raise UsageError(
                f"Method {method.name!r} has to be told {', '.join(sorted(method.oracle))}, and an "
                "audit does not know the truth. Choose another --method."
            )
        return cls(method, validate_params(method.name, method.Params, dict(values)))

    def document(self) -> dict[str, Any]:
        """What decides the judge, as JSON values."""
        return {"method": self.method.name, "params": self.params.model_dump(mode="json")}


class _Control(RunControl):
    """Tells of each epoch, refuses losses that are not finite, and stops on a signal."""

    def __init__(self, told: Callable[[int], None], stop: StopRequest) -> None:
        self.run: Run | None = None
        self._told = told
        self._stop = stop

    def step_finished(self) -> None:
        self._stop.check()

    def working(self, what: str, done: int, total: int) -> None:
        self._stop.check()

    def epoch_finished(self, epoch: int) -> None:
        assert self.run is not None
        if not self.run.logged.losses_were_finite():
            raise Diverged(
                f"A loss of the judge was infinite or NaN in epoch {epoch + 1}. Check that the "
                "features are of about the same size, or choose another --method."
            )
        self._told(epoch + 1)
        self._stop.check()


@dataclass(frozen=True)
class Lesson:
    """What a judge learns from: features float [N, D] and the labels int64 [N] of all samples."""

    features: Tensor
    labels: Tensor
    num_classes: int
    device: torch.device


def judged(
    judge: Judge, lesson: Lesson, rows: Tensor, seed: int, told: Callable[[int], None]
) -> Tensor:
    """Train a judge on some rows (int64 [M]); returns its logits float32 [N, C] of all samples.

    `told` is called with the number of epochs that are done.

    Raises:
        UsageError: the method asks for views that features do not have.
        Diverged: a loss was infinite or NaN.
        Interrupted: a signal came.
    """
    method, standardization = taught(judge, lesson, rows, seed, told)
    return asked(method, standardization, lesson.features, lesson.device)


def taught(
    judge: Judge, lesson: Lesson, rows: Tensor, seed: int, told: Callable[[int], None]
) -> tuple[Method, Standardization]:
    """The method after training on some rows, and the standardization of its features.

    Arguments and errors are those of `judged`.
    """
    own = lesson.features[rows]
    standardization = Standardization.of(own)
    views = EmbeddingViews([own], standardization, lesson.device)
    method = judge.method(judge.params)
    for augment in method.augmentations():
        views.check(augment)
    with stop_on_signals() as stop, global_streams_kept():
        control = _Control(told, stop)
        control.run = _run(lesson, views, rows, seed, control)
        seed_global_streams(seed, "global", "start")
        method.fit(control.run)
    return method, standardization


def asked(
    method: Method, standardization: Standardization, features: Tensor, device: torch.device
) -> Tensor:
    """The method's logits float32 [M, C] of features [M, D], on the CPU."""
    views, parts = EmbeddingViews([features], standardization, device), []
    with evaluation_mode(method.trained_networks()):
        for start in range(0, len(features), _ROWS):
            stop = min(start + _ROWS, len(features))
            parts.append(method.predict(views.plain(start, stop)).float().cpu())
    return torch.cat(parts)


def _run(
    lesson: Lesson, views: EmbeddingViews, rows: Tensor, seed: int, control: RunControl
) -> Run:
    protocol, device = protocol_for(len(rows)), lesson.device
    embedding = protocol.embedding
    assert embedding is not None, "the track is one of embeddings"
    width = lesson.features.shape[1]

    def build_network() -> PreciseNetwork:
        head = build_head(embedding.head, width, lesson.num_classes, embedding.dropout)
        return PreciseNetwork(head, "fp32", device)

    return Run(
        RunHost(
            views=views,
            labels=lesson.labels[rows].to(device, copy=True),
            num_classes=lesson.num_classes,
            max_epochs=protocol.epochs,
            batch_size=protocol.batch_size,
            eval_batch_size=_ROWS,
            seed=seed,
            device=device,
            build_network=build_network,
            build_optimizer=partial(build_optimizer, protocol=protocol),
            learning_rate_factor=partial(learning_rate_factor, protocol),
            control=control,
        )
    )
