"""Measures per class, which a mean over all classes hides."""

import torch
from torch import Tensor


def share_by_class(hits: Tensor, labels: Tensor, num_classes: int) -> list[float | None]:
    """Share of `hits` (bool [N]) among the samples of each label [N]; None for an unused label."""
    counts = torch.bincount(labels, minlength=num_classes).tolist()
    sums = torch.bincount(labels[hits], minlength=num_classes).tolist()
    return [hit / count if count else None for hit, count in zip(sums, counts, strict=True)]


def frequent_mistakes(
    true: Tensor, given: Tensor, num_classes: int, per_class: int
) -> list[tuple[int, int, int]]:
    """The wrong labels that each true class gets most often, as (true, given, count).

    Gives at most `per_class` triples for each class, ordered by class, then count, then label.
    """
    matrix = torch.bincount(true * num_classes + given, minlength=num_classes**2)
    matrix = matrix.view(num_classes, num_classes).fill_diagonal_(0)
    # Stable, so that equally frequent labels keep their order.
    order = matrix.argsort(dim=1, descending=True, stable=True)[:, :per_class]
    return [
        (row, column, int(matrix[row, column]))
        for row, columns in enumerate(order.tolist())
        for column in columns
        if matrix[row, column]
    ]
