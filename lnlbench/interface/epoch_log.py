"""The log of one epoch of a method: scalars, and whether its losses were finite."""

from numbers import Real
from typing import Any

import torch
from torch import Tensor

from lnlbench.errors import UsageError


class EpochLog:
    """Scalars and losses of the current epoch; they stay on the device until they are read."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._losses: list[Tensor] = []
        self._scalars: dict[str, list[Tensor | float]] = {}

    def begin(self) -> None:
        """Forget the previous epoch."""
        self._scalars, self._losses = {}, []

    def add(self, **scalars: Tensor | float) -> None:
        """Add values under these names.

        Raises:
            UsageError: a value is not one number.
        """
        for name, value in scalars.items():
            self._scalars.setdefault(name, []).append(_one_number(name, value))

    def add_loss(self, loss: Tensor) -> None:
        """Note a step's loss."""
        loss = loss.detach().reshape(())
        self._losses.append(loss)
        self._scalars.setdefault("loss", []).append(loss)

    def losses_were_finite(self) -> bool:
        """Whether every loss of the epoch was finite."""
        # Asked once, between two epochs, and not at each step.
        return not self._losses or bool(torch.stack(self._losses).isfinite().all())

    def means(self) -> dict[str, float]:
        """The mean of each name's values."""
        means = {}
        for name, values in self._scalars.items():
            # Stack on the device: one transfer for each name, not one for each step.
            tensors = [torch.as_tensor(value, device=self._device).float() for value in values]
            means[name] = float(torch.stack(tensors).double().mean())
        return means

    def latest(self, name: str) -> float | None:
        """The last value under a name, if there is any."""
        values = self._scalars.get(name)
        return float(values[-1]) if values else None


def _one_number(name: str, value: Any) -> Tensor | float:
    """The value without its autograd graph, which would stay in memory for the epoch."""
    if isinstance(value, Tensor) and value.numel() == 1:
        return value.detach().reshape(())
    if isinstance(value, Real):
        return float(value)
    given = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else repr(value)
    raise UsageError(f"run.log({name}=…) takes one number, such as a mean; given {given}.")
