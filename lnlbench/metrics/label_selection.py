"""How well a method tells clean labels from wrong ones."""

from sklearn.metrics import precision_recall_fscore_support, roc_auc_score
from torch import Tensor

NAMES = ("label_precision", "label_recall", "label_f1", "clean_auroc")


def selection_quality(
    clean_probability: Tensor, is_clean: Tensor, threshold: float
) -> dict[str, float | None]:
    """Precision, recall and F1 of `clean_probability > threshold`, and AUROC, against the truth.

    `clean_probability` [N] lies in [0, 1]; `is_clean` is bool [N]. A value is None when it is
    undefined, such as the AUROC when every label is clean.
    """
    truth = is_clean.cpu().numpy()
    belief = clean_probability.double().cpu().numpy()
    selected = belief > threshold
    precision, recall, f1, _ = precision_recall_fscore_support(
        truth, selected, average="binary", zero_division=float("nan")
    )
    auroc = roc_auc_score(truth, belief) if 0 < truth.sum() < len(truth) else float("nan")
    values = (float(precision), float(recall), float(f1), float(auroc))
    # NaN is the only value that differs from itself.
    return {
        name: value if value == value else None for name, value in zip(NAMES, values, strict=True)
    }
