"""The labels that a method is given: copies, so that it cannot change what it is scored on."""

import torch
from torch import Tensor

from lnlbench.errors import RunError


def copy_of(labels: Tensor, device: torch.device) -> Tensor:
    """A copy of labels [N] on a device, which may be the one that they are on already."""
    return labels.to(device, copy=True)


def check_unchanged(given: Tensor, labels: Tensor, name: str, method: str) -> None:
    """Make sure that a method left its copy alone, which later epochs rely on.

    `name` says what the copy is called in a run.

    Raises:
        RunError: the method has changed the copy.
    """
    if not torch.equal(given.cpu(), labels.cpu()):
        raise RunError(
            f"Method {method!r} has written to run.{name}, which has to stay as it is. "
            f"Write to a copy instead: labels = run.{name}.clone()."
        )
