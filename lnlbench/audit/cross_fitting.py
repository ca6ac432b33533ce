"""Cross-fitting: every sample is judged by a model that was trained without it."""

import hashlib
import io
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lnlbench.audit.judge import Judge, Lesson, judged, protocol_for
from lnlbench.data.location import ANOTHER_CACHE
from lnlbench.errors import DataError, UsageError
from lnlbench.plugins.method_source import source_sha256
from lnlbench.seeds import generator_for
from lnlbench.system.atomic import write_atomically

_FORMAT = 2
_LONGEST_NAME = 60


@dataclass(frozen=True)
class Opinions:
    """What one method says of all samples.

    `logits` float32 [N, C] come from the model that was trained without the sample. `predicted`
    int64 [K, N] has the predictions of all K models, also of those that were trained with it.
    `cpu_seconds` is the CPU time of training and asking them.
    """

    logits: Tensor
    predicted: Tensor
    cpu_seconds: float


def deal_folds(labels: Tensor, count: int, groups: Tensor, seed: int) -> Tensor:
    """The fold int64 [N] of each sample: each class is spread evenly over the folds.

    Samples of the same group (int64 [N]), which are copies of each other, share a fold, so that a
    copy with the same wrong label cannot vouch for the sample.

    Raises:
        UsageError: there are fewer samples than folds.
        DataError: all samples are copies of each other.
    """
    if not 2 <= count <= len(labels):
        raise UsageError(
            f"--folds {count}: give at least 2, and at most the number of samples, {len(labels)}."
        )
    order = torch.randperm(len(labels), generator=generator_for(seed, "audit", "folds"))
    # Sorted by class, samples at equal distances get equal folds: each class goes round.
    order = order[labels[order].argsort(stable=True)]
    folds = torch.empty_like(labels)
    folds[order] = torch.arange(len(labels)) % count
    dealt = folds[groups]
    if len(dealt.unique()) < 2:
        raise DataError(
            "All samples have nearly the same features, so that no model can tell them apart. "
            "Check the images, or give other features."
        )
    return dealt


def cross_fit(
    judge: Judge,
    lesson: Lesson,
    folds: Tensor,
    seed: int,
    cache: Path,
    told: Callable[[float], None] = lambda share: None,
) -> Opinions:
    """Train the judge once for each fold, without that fold; resumes from the folds in `cache`.

    `told` is called with the share of the work that is done.

    Raises:
        UsageError: the method asks for views that features do not have.
        Diverged: a loss was infinite or NaN.
        Interrupted: a signal came; the folds that are done stay in `cache`.
    """
    count = int(folds.max()) + 1
    logits = torch.empty(len(folds), lesson.num_classes)
    predicted = torch.empty(count, len(folds), dtype=torch.int64)
    cpu_seconds = 0.0
    digest, code = _digest(lesson), source_sha256(judge.method)
    for fold in range(count):
        held_out = (folds == fold).nonzero().squeeze(1)
        rows = (folds != fold).nonzero().squeeze(1)
        protocol = protocol_for(len(rows))
        document = {
            **judge.document(),
            "format": _FORMAT,
            "code": code,
            "data": digest,
            "held_out": hashlib.sha256(held_out.numpy().tobytes()).hexdigest(),
            "protocol": protocol.model_dump(mode="json"),
            "seed": seed,
        }
        key = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
        file = cache / f"{judge.method.name[:_LONGEST_NAME]}-{fold}-{key[:16]}.npz"
        found = _read(file, (len(held_out), lesson.num_classes), len(folds))
        if found is None:
            done = fold / count

            def epoch_done(epochs: int, done: float = done, total: int = protocol.epochs) -> None:
                told(done + epochs / total / count)

            began = time.process_time()
            everything = judged(judge, lesson, rows, seed, epoch_done).numpy()
            spent = time.process_time() - began
            found = everything[held_out.numpy()], everything.argmax(1), spent
            _write(file, *found)
        logits[held_out] = torch.from_numpy(found[0])
        predicted[fold] = torch.from_numpy(found[1])
        cpu_seconds += found[2]
        told((fold + 1) / count)
    return Opinions(logits, predicted, cpu_seconds)


def agreement(opinions: Sequence[Opinions], suggested: Tensor) -> Tensor:
    """The share float32 [N] of all models that predict the suggested class int64 [N]."""
    predicted = torch.cat([each.predicted for each in opinions])
    return (predicted == suggested).float().mean(0)


def _digest(lesson: Lesson) -> str:
    digest = hashlib.sha256(f"{list(lesson.features.shape)} {lesson.num_classes}".encode())
    for rows in lesson.features.split(1 << 14):
        digest.update(np.ascontiguousarray(rows.numpy()).data)
    digest.update(lesson.labels.numpy().tobytes())
    return digest.hexdigest()


def _read(
    file: Path, shape: tuple[int, int], count: int
) -> tuple[NDArray[np.float32], NDArray[np.int64], float] | None:
    """What a file of an earlier, interrupted audit holds; None if it is not there or damaged."""
    try:
        with np.load(file, allow_pickle=False) as saved:
            logits, predicted = saved["logits"], saved["predicted"].astype(np.int64)
            cpu_seconds = float(saved["cpu_seconds"])
    except Exception:  # what a damaged file can raise is without end, and the fold is made again
        return None
    fits = logits.shape == shape and predicted.shape == (count,) and logits.dtype == np.float32
    in_range = fits and predicted.min() >= 0 and predicted.max() < shape[1]
    sound = in_range and np.isfinite(logits).all() and 0 <= cpu_seconds < np.inf
    return (logits, predicted, cpu_seconds) if sound else None


def _write(
    file: Path, logits: NDArray[np.float32], predicted: NDArray[np.int64], cpu_seconds: float
) -> None:
    buffer = io.BytesIO()
    small = predicted.astype(np.int32)
    np.savez(buffer, logits=logits, predicted=small, cpu_seconds=np.float64(cpu_seconds))
    write_atomically(file, buffer.getvalue(), ANOTHER_CACHE)
