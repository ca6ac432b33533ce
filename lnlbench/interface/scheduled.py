"""Optimizers whose learning rates follow the protocol's schedule, from the start or from later."""

from collections.abc import Callable

import torch


class ScheduledOptimizers:
    """The optimizers of a run; each parameter group keeps its own initial learning rate."""

    def __init__(self) -> None:
        self._begun: list[tuple[torch.optim.Optimizer, int]] = []

    def add(self, optimizer: torch.optim.Optimizer, begin: int) -> None:
        """Let an optimizer follow the schedule, which starts for it in epoch `begin`."""
        for group in optimizer.param_groups:
            group["initial_lr"] = group["lr"]
        self._begun.append((optimizer, begin))

    def set_rates(self, epoch: int, max_epochs: int, factor: Callable[[float], float]) -> None:
        """The learning rates of one epoch, where `factor` is the schedule of a whole run."""
        for optimizer, begin in self._begun:
            rest = max(1, max_epochs - begin)
            share = factor(max(0, epoch - begin) * max_epochs / rest)
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * share
