"""How well a suspicion finds the wrong labels, where the truth is known."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

_BINS = 10


def detection_quality(
    suspicion: NDArray[np.float64], flagged: NDArray[np.bool_], wrong: NDArray[np.bool_]
) -> dict[str, Any]:
    """Scores of the suspicion [N] and of what is flagged bool [N], against `wrong` bool [N].

    A value is None if it is not defined. `calibration` has a row for each tenth of the suspicion:
    the samples in it, their mean suspicion, and the share of them that is wrong.
    """
    count = int(wrong.sum())
    order = np.argsort(-suspicion, kind="stable")
    defined = 0 < count < len(wrong)
    hits = int((flagged & wrong).sum())
    return {
        "auroc": float(roc_auc_score(wrong, suspicion)) if defined else None,
        "average_precision": float(average_precision_score(wrong, suspicion)) if defined else None,
        "precision_at_100": float(wrong[order[:100]].mean()),
        "precision_at_true_number": float(wrong[order[:count]].mean()) if count else None,
        "flagged_precision": hits / int(flagged.sum()) if flagged.any() else None,
        "flagged_recall": hits / count if count else None,
        "flagged_f1": 2 * hits / (int(flagged.sum()) + count) if count else None,
        "true_noise_rate": float(wrong.mean()),
        "calibration": _calibration(suspicion, wrong),
    }


def _calibration(
    suspicion: NDArray[np.float64], wrong: NDArray[np.bool_]
) -> list[dict[str, float]]:
    bins = np.minimum((suspicion * _BINS).astype(int), _BINS - 1)
    return [
        {
            "from": number / _BINS,
            "samples": int((bins == number).sum()),
            "mean_suspicion": float(suspicion[bins == number].mean()),
            "share_wrong": float(wrong[bins == number].mean()),
        }
        for number in np.unique(bins).tolist()
    ]
