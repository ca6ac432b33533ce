"""Diagnostics of a run besides its scores; made at some epochs from the outputs of evaluation."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from lnlbench.data.dataset import Dataset
from lnlbench.errors import RunError
from lnlbench.interface.criterion import Criterion
from lnlbench.metrics.calibration import reliability
from lnlbench.metrics.detection import detection_quality
from lnlbench.metrics.histogram import counts_by_truth
from lnlbench.metrics.per_class import frequent_mistakes, share_by_class
from lnlbench.results.diagnostics import MAX_CLASSES, Detection
from lnlbench.runner.evaluation import Evaluation
from lnlbench.runner.split import Split, evaluation_sample

_BINS = 30
_BELIEF_BINS = 20
_INTERVALS = 10
_ALL_PAIRS = 20
_PAIRS = 300
_NAME = 80


def looks_at(epoch: int, max_epochs: int) -> bool:
    """Whether an epoch (from 0) gets a snapshot: the first, the last, and each tenth of the run."""
    last = max_epochs - 1
    return epoch in {round(step * last / _INTERVALS) for step in range(_INTERVALS + 1)}


class Diagnosis:
    """Turns an epoch's evaluation into the plain values of `lnlbench.results.diagnostics`.

    Losses are the cross-entropies of the method's prediction against the given labels, on the
    training samples that evaluation looks at anyway. This class draws no random numbers.
    """

    def __init__(self, dataset: Dataset, split: Split) -> None:
        self._classes = [name[:_NAME] for name in dataset.classes]
        self._given = split.training.labels
        self._true = split.clean_labels if split.truth_known else None
        self._test_labels = split.test.labels
        self._sample = evaluation_sample(len(self._given))
        # The loss of a blind guess is ln C; hardly any label costs more than three times that.
        self._highest_loss = round(3 * math.log(len(self._classes)), 4)

    def snapshot(self, epoch: int, evaluation: Evaluation) -> dict[str, Any]:
        """Histograms of the loss, of the clean probability, and of the method's own criterion."""
        given = self._given[self._sample]
        losses = cross_entropy(evaluation.sample_logits.float(), given, reduction="none")
        found = [self._histogram("loss", losses, (0.0, self._highest_loss), _BINS, self._sample)]
        if evaluation.belief is not None:
            values, threshold = evaluation.belief, evaluation.clean_threshold
            belief = self._histogram("clean probability", values, (0.0, 1.0), _BELIEF_BINS)
            found.append({**belief, "threshold": threshold})
        if evaluation.criterion is not None:
            found.append(self._criterion(evaluation.criterion))
        return {"epoch": epoch, "histograms": found}

    def final(self, evaluation: Evaluation) -> dict[str, Any]:
        """Reliability on the test set, and measures per class unless there are too many classes."""
        logits, labels, count = evaluation.test_logits, self._test_labels, len(self._classes)
        bins = reliability(logits, labels)
        parts: dict[str, Any] = {
            "reliability": {
                "count": [size for size, _, _ in bins],
                "confidence": [_rounded(confidence) for _, confidence, _ in bins],
                "accuracy": [_rounded(accuracy) for _, _, accuracy in bins],
            }
        }
        if self._true is not None:
            parts["detection"] = self._detection(evaluation, self._true != self._given)
        if count > MAX_CLASSES:
            return parts
        rates = None
        if self._true is not None:
            shares = share_by_class(self._true != self._given, self._true, count)
            rates = [_rounded(share) for share in shares]
            per_class = count if count <= _ALL_PAIRS else max(1, _PAIRS // count)
            pairs = frequent_mistakes(self._true, self._given, count, per_class)
            columns = zip(*pairs, strict=True) if pairs else ((), (), ())
            names = ("true", "given", "count")
            parts["label_confusion"] = {
                name: list(column) for name, column in zip(names, columns, strict=True)
            }
        accuracies = share_by_class(logits.argmax(1) == labels, labels, count)
        parts["classes"] = {
            "names": self._classes,
            "given": torch.bincount(self._given, minlength=count).tolist(),
            "noise_rate": rates,
            "test_accuracy": [_rounded(share) for share in accuracies],
        }
        return parts

    def _detection(self, evaluation: Evaluation, wrong: Tensor) -> list[dict[str, Any]]:
        """How well the belief, and the loss, find the wrong labels (bool [N])."""
        given, logits = self._given[self._sample], evaluation.sample_logits.float()
        losses = cross_entropy(logits, given, reduction="none")
        disagree = logits.argmax(1) != given
        found = [_detected("loss", losses, disagree, wrong[self._sample], None)]
        if evaluation.belief is not None:
            belief = evaluation.belief.detach().cpu().double()
            flagged = belief <= evaluation.clean_threshold
            estimate = 1 - float(belief.mean())
            found.insert(0, _detected("clean probability", -belief, flagged, wrong, estimate))
        return found

    def _criterion(self, criterion: Criterion) -> dict[str, Any]:
        values = criterion.values.detach().cpu().float()
        if values.shape != self._given.shape:
            raise RunError(
                f"criterion() must have one value for each of the {len(self._given)} training "
                f"samples; its values have shape {tuple(values.shape)}."
            )
        known = values[values.isfinite()]
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
        if not low < high:
            low, high = low - 0.5, high + 0.5
        found = self._histogram(criterion.of[:_NAME], values, (low, high), _BINS)
        if criterion.threshold is not None:
            found["threshold"] = _quantized(criterion.threshold)
        if criterion.mixture is not None:
            parts = vars(criterion.mixture).items()
            found["mixture"] = {name: [_quantized(v) for v in part] for name, part in parts}
        return found

    def _histogram(
        self,
        of: str,
        values: Tensor,
        span: tuple[float, float],
        bins: int,
        index: Tensor | None = None,
    ) -> dict[str, Any]:
        is_clean = None
        if self._true is not None:
            is_clean = self._true == self._given
            is_clean = is_clean if index is None else is_clean[index]
        low, high = span
        counts = counts_by_truth(values.detach().cpu(), is_clean, low, high, bins)
        return {"of": of, "low": _quantized(low), "high": _quantized(high), "counts": counts}


def _detected(
    of: str, doubt: Tensor, flagged: Tensor, wrong: Tensor, estimate: float | None
) -> dict[str, Any]:
    found = detection_quality(doubt.double().numpy(), flagged.numpy(), wrong.numpy())
    found["estimated_noise_rate"] = estimate
    kept = [name for name in Detection.model_fields if name in found]
    return {"of": of, "samples": len(wrong), **{name: _rounded(found[name]) for name in kept}}


def _rounded(share: float | None) -> float | None:
    return None if share is None or math.isnan(share) else round(share, 4)


def _quantized(value: float) -> float:
    return float(f"{value:.5g}")
