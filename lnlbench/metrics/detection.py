"""How well doubts of labels find the wrong ones, where the truth is known."""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

_BINS = 10


def detection_quality(
    doubt: NDArray[np.float64], flagged: NDArray[np.bool_], wrong: NDArray[np.bool_]
) -> dict[str, float | None]:
    """Scores of the doubt [N] and of what is flagged bool [N], against `wrong` bool [N].

    The doubt is compared and not measured: any scale will do, and NaN is the strongest doubt. A
    value is None if it is not defined.
    """
    count = int(wrong.sum())
    ranks = np.unique(doubt, return_inverse=True)[1]
    defined = 0 < count < len(wrong)
    hits = int((flagged & wrong).sum())
    return {
        "auroc": float(roc_auc_score(wrong, ranks)) if defined else None,
        "average_precision": float(average_precision_score(wrong, ranks)) if defined else None,
        "precision_at_100": _precision_of_first(100, ranks, wrong),
        "precision_at_true_number": _precision_of_first(count, ranks, wrong) if count else None,
        "flagged_precision": hits / int(flagged.sum()) if flagged.any() else None,
        "flagged_recall": hits / count if count else None,
        "flagged_f1": 2 * hits / (int(flagged.sum()) + count) if count else None,
        "flagged_share": float(flagged.mean()),
        "true_noise_rate": float(wrong.mean()),
    }


def _precision_of_first(count: int, ranks: NDArray[np.int64], wrong: NDArray[np.bool_]) -> float:
    """The share of wrong labels among the `count` samples of highest rank.

    Of samples that tie at the border, it is the share that a random choice finds on average.
    """
    count = min(count, len(wrong))
    border = np.partition(ranks, -count)[-count]
    above, tied = ranks > border, ranks == border
    chosen = (count - int(above.sum())) / int(tied.sum())
    return float((wrong[above].sum() + chosen * wrong[tied].sum()) / count)


def suspicion_calibration(
    suspicion: NDArray[np.float64], wrong: NDArray[np.bool_]
) -> list[dict[str, float]]:
    """A row for each tenth of the suspicion [N] in [0, 1] that has samples.

    A row has the number of samples, their mean suspicion, and the share of them that is wrong.
    """
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
