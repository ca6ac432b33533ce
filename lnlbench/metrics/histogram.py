"""Histograms of per-sample values, separate for clean and wrong labels."""

import torch
from torch import Tensor


def histogram(values: Tensor, low: float, high: float, bins: int) -> list[int]:
    """How many of the values [N] lie in each bin; values outside count in the nearest bin.

    NaN counts in the last bin, because a loss that is NaN is not small.
    """
    finite = values.double().nan_to_num(nan=high, posinf=high, neginf=low).clamp(low, high)
    position = ((finite - low) / (high - low) * bins).long().clamp(max=bins - 1)
    return torch.bincount(position, minlength=bins).tolist()


def counts_by_truth(
    values: Tensor, is_clean: Tensor | None, low: float, high: float, bins: int
) -> dict[str, list[int]]:
    """Bin counts of values [N] for `clean` and `wrong` labels, or `all` if the truth is unknown."""
    if is_clean is None:
        return {"all": histogram(values, low, high, bins)}
    return {
        "clean": histogram(values[is_clean], low, high, bins),
        "wrong": histogram(values[~is_clean], low, high, bins),
    }
