"""What an audit found: a verdict on each sample, and what follows for the whole."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lnlbench.audit.cross_fitting import Opinions, agreement
from lnlbench.audit.likeness import Copies, nearest_trusted
from lnlbench.audit.samples import Samples
from lnlbench.audit.suspicion import Posterior, suspicion

_MOST_CONFUSIONS = 50
_MOST_COPIES = 1000


@dataclass(frozen=True, eq=False)
class Audit:
    """The findings on N samples.

    `suspicion` float64 [N] is the probability that a label is wrong, strictly between 0 and 1.
    `suggested` int64 [N] is the most probable class, and `agreement` float32 [N] the share of all
    models that predict it. `suspects` int64 [S] are the rows whose suggested class is another than
    the given one, most suspicious first, without those that a person has decided on.
    `nearest_suggested` and `nearest_given` int64 [S] are trusted samples of those classes that are
    most like each suspect, or -1. `noise_rates` are a lower and an upper estimate of the share of
    wrong labels; see `lnlbench.audit.suspicion`. `about` says how it was done, as JSON values.
    """

    samples: Samples
    suspicion: NDArray[np.float64]
    suggested: Tensor
    agreement: Tensor
    suspects: Tensor
    nearest_suggested: Tensor
    nearest_given: Tensor
    copies: Copies
    folds: Tensor = field(repr=False)
    noise_rates: tuple[float, float]
    about: dict[str, Any]

    @property
    def labels(self) -> Tensor:
        """The labels int64 [N] after all suggestions."""
        labels = self.samples.labels.clone()
        labels[self.suspects] = self.suggested[self.suspects]
        return labels


def combined(posteriors: Sequence[Posterior]) -> tuple[NDArray[np.float64], Tensor]:
    """Suspicion [N] by the mean of all judges' ranks, and the mean probabilities [N, C].

    Ranks say only who comes first: the samples get, in their order, the sorted means of the
    judges' suspicions.
    """
    each = [suspicion(posterior.log_odds) for posterior in posteriors]
    probabilities = torch.stack([posterior.probabilities for posterior in posteriors]).mean(0)
    if len(each) == 1:
        return each[0], probabilities
    ranks = np.mean([values.argsort().argsort() for values in each], 0)
    mean = np.mean(each, 0)
    order = np.lexsort((mean, ranks))
    values = np.empty_like(mean)
    values[order] = np.sort(mean)
    return values, probabilities


def find(
    samples: Samples,
    opinions: Sequence[Opinions],
    posteriors: Sequence[Posterior],
    units: Tensor,
    copies: Copies,
    folds: Tensor,
    about: dict[str, Any],
) -> Audit:
    """The findings that follow from what all judges say; `units` are vectors of length 1."""
    values, probabilities = combined(posteriors)
    suggested = probabilities.argmax(1)
    doubtful = (suggested != samples.labels) & ~samples.decided
    rows = doubtful.nonzero().squeeze(1)
    suspects = rows[torch.from_numpy(-values[rows.numpy()]).argsort(stable=True)]
    given = samples.labels[suspects]
    trusted = (suggested == samples.labels) & torch.from_numpy(values < 0.5)
    return Audit(
        samples=samples,
        suspicion=values,
        suggested=suggested,
        agreement=agreement(opinions, suggested),
        suspects=suspects,
        nearest_suggested=nearest_trusted(
            units, suspects, suggested[suspects], samples.labels, trusted
        ),
        nearest_given=nearest_trusted(units, suspects, given, samples.labels, trusted),
        copies=copies,
        folds=folds,
        noise_rates=noise_rates_of(posteriors),
        about=about,
    )


def noise_rates_of(posteriors: Sequence[Posterior]) -> tuple[float, float]:
    """The judges' mean lower and mean upper estimate of the share of wrong labels."""
    rates = np.array([posterior.noise_rates for posterior in posteriors])
    low, high = np.sort(rates, 1).mean(0).tolist()
    return low, high


def summary(audit: Audit) -> dict[str, Any]:
    """What the audit found in all, as JSON values."""
    samples = audit.samples
    document = {
        "samples": len(samples.labels),
        "suspects": len(audit.suspects),
        "noise_rate": _noise_rate(audit),
        "classes": _classes(audit),
        "confusions": _confusions(audit),
        "copies_with_different_labels": _conflicts(audit),
        "left_out": [{"path": path, "reason": reason} for path, reason in samples.left_out],
        "already_decided": int(samples.decided.sum()),
        "about": audit.about,
    }
    if samples.clean is not None:
        document["detection"] = _detection(audit, samples.clean)
    return document


def _noise_rate(audit: Audit) -> dict[str, Any]:
    """The mean suspicion; from the lower to the upper estimate, widened by chance."""
    from scipy.stats import t

    folds = audit.folds.numpy()
    means = [float(audit.suspicion[folds == fold].mean()) for fold in np.unique(folds)]
    half = float(t.ppf(0.975, len(means) - 1) * np.std(means, ddof=1) / len(means) ** 0.5)
    low, high = audit.noise_rates
    return {
        "estimate": float(audit.suspicion.mean()),
        "low": max(0.0, low - half),
        "high": min(1.0, high + half),
        "rule": "mean suspicion; low assumes that wrong labels depend on the true class alone, so "
        "it misses mistakes that look plausible, and high takes the judge's own errors for wrong "
        "labels; both are widened by the 95 % interval of the mean over the folds",
    }


def _classes(audit: Audit) -> list[dict[str, Any]]:
    labels, flagged = audit.samples.labels.numpy(), np.zeros(len(audit.suspicion), bool)
    flagged[audit.suspects.numpy()] = True
    return [
        {
            "class": name,
            "samples": int((labels == number).sum()),
            "suspects": int(flagged[labels == number].sum()),
            "noise_rate": float(audit.suspicion[labels == number].mean()),
        }
        for number, name in enumerate(audit.samples.classes)
    ]


def _confusions(audit: Audit) -> list[dict[str, Any]]:
    names, rows = audit.samples.classes, audit.suspects
    pairs = torch.stack([audit.samples.labels[rows], audit.suggested[rows]], 1)
    found, counts = pairs.unique(dim=0, return_counts=True)
    order = counts.argsort(descending=True, stable=True)[:_MOST_CONFUSIONS]
    return [
        {"given": names[given], "suggested": names[suggested], "suspects": count}
        for (given, suggested), count in zip(
            found[order].tolist(), counts[order].tolist(), strict=True
        )
    ]


def _conflicts(audit: Audit) -> dict[str, Any]:
    samples, pairs = audit.samples, audit.copies.pairs
    differ = samples.labels[pairs[:, 0]] != samples.labels[pairs[:, 1]]
    exact = audit.copies.exact()
    order = audit.copies.cosines.argsort(descending=True, stable=True)
    order = order[differ[order]]
    return {
        "exact": int((differ & exact).sum()),
        "near": int((differ & ~exact).sum()),
        "pairs": [
            {
                "paths": [samples.paths[row] for row in pairs[pair].tolist()],
                "labels": [samples.classes[samples.labels[row]] for row in pairs[pair].tolist()],
                "cosine": float(audit.copies.cosines[pair]),
            }
            for pair in order[:_MOST_COPIES].tolist()
        ],
    }


def _detection(audit: Audit, clean: Tensor) -> dict[str, Any]:
    """How well wrong labels were found, where the truth is known."""
    from lnlbench.metrics.detection import detection_quality, suspicion_calibration

    wrong = (clean != audit.samples.labels).numpy()
    flagged = np.zeros(len(wrong), bool)
    flagged[audit.suspects.numpy()] = True
    return {
        **detection_quality(audit.suspicion, flagged, wrong),
        "calibration": suspicion_calibration(audit.suspicion, wrong),
    }
