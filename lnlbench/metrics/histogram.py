"""Histograms of per-sample values, apart for clean and wrong labels."""

import torch
from torch import Tensor


def histogram(values: Tensor, low: float, high: float, bins: int) -> list[int]:
    """How many of the values [N] lie in each bin; what lies outside counts in the nearest bin.

    NaN counts as too large: a loss that is no number is not a small one.
    """
    finite = values.double().nan_to_num(nan=high, posinf=high, neginf=low).clamp(low, high)
    position = ((finite - low) / (high - low) * bins).long().clamp(max=bins - 1)
    return torch.bincount(position, minlength=bins).tolist()


def counts_by_truth(
    values: Tensor, is_clean: Tensor | None, low: float, high: float, bins: int
) -> dict[str, list[int]]:
    """Bin counts of values [N] for `clean` and `wrong` labels; for `all` where nobody knows."""
    if is_clean is None:
        return {"all": histogram(values, low, high, bins)}
    return {
        "clean": histogram(values[is_clean], low, high, bins),
        "wrong": histogram(values[~is_clean], low, high, bins),
    }
