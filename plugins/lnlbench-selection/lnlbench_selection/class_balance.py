"""Selections that take as many samples from one class as from another."""

import torch
from torch import Tensor


def smallest_of_each_class(values: Tensor, labels: Tensor, quota: int) -> Tensor:
    """The `quota` samples of smallest `values` [N] in each class, bool [N].

    A class with fewer samples gives all of them.
    """
    chosen = torch.zeros(len(values), dtype=torch.bool, device=values.device)
    for label in labels.unique():
        members = (labels == label).nonzero().squeeze(1)
        chosen[members[values[members].argsort(stable=True)[:quota]]] = True
    return chosen
