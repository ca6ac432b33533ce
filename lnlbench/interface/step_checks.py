"""What a step of a method needs: a loss that gradients can start from, and an optimizer."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from lnlbench.errors import UsageError

_EXAMPLE = "such as cross_entropy(network(batch.views[0]), batch.labels)"


def check_step(loss: Any, optimizers: Sequence[Any]) -> None:
    """Refuse a loss or optimizers that torch would refuse in its own words, or not at all.

    Raises:
        UsageError: `loss` is not one number with gradients, or no optimizer is given.
    """
    if not isinstance(loss, Tensor):
        hint = " Is a return missing?" if loss is None else ""
        raise UsageError(
            f"A loss must be a tensor of one number, {_EXAMPLE}; given {_described(loss)}.{hint}"
        )
    if loss.numel() != 1:
        raise UsageError(
            f"A loss must be one number, and this one has shape {tuple(loss.shape)}. Take its "
            "mean, or weight the losses of the samples and sum them."
        )
    if not loss.requires_grad:
        raise UsageError(
            f"A loss must depend on a network, {_EXAMPLE}. No gradient leads from this one to "
            "any parameter: look for detach(), item(), argmax, torch.no_grad() or a comparison in "
            "it, and for frozen networks."
        )
    for optimizer in optimizers:
        if not isinstance(optimizer, Optimizer):
            raise UsageError(
                f"run.step(loss, *optimizers) takes optimizers; given {_described(optimizer)}."
            )
    if not optimizers:
        raise UsageError(
            "run.step(loss, *optimizers) has no optimizer, so no weight would change. Name those "
            "to step: run.step(loss, self.optimizer)."
        )


def _described(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
