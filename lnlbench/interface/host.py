"""What the runner gives a run to work with: the other side of `lnlbench.interface.run`.

A method must not learn clean labels or see the test split, because it is scored on them: a method
that could read them would look good without being good. Python has no private attributes, so a
method can follow every reference from its run, through attributes, closures and bound methods.
Therefore a host holds only the noisy training data, and neither it nor its `RunControl` may hold
a reference that leads to the truth. `lnlbench.runner.control` explains how the runner's control
works without such a reference, and `lnlbench.testing.privacy` follows every reference to check it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from lnlbench.augment.views import Views
from lnlbench.errors import UsageError


def no_pretrained_body(network: nn.Module) -> tuple[nn.Module, Tensor]:
    """Refuse a linear probe of a network with random weights, or of one that is only a head.

    Raises:
        UsageError: always.
    """
    raise UsageError(
        "A linear probe needs networks that start from pretrained weights: --backbone timm:NAME "
        "--pretrained, or --track cifar100n-pretrained or cifar100n-pretrained-last. On a track of "
        "embeddings every epoch trains a head on frozen features already."
    )


def flat(views: Tensor) -> Tensor:
    """Views [B, ...] as vectors float32 [B, D]: embeddings as they are, images as their pixels."""
    return views.flatten(1).float()


class RunControl:
    """What happens between the steps and epochs of a method; this base class does nothing."""

    def restore(self) -> int:
        """Restore the method to where its run stopped; returns the epoch (from 0) to train next."""
        return 0

    def step_finished(self) -> None:
        """An optimizer has stepped.

        Raises:
            Interrupted: the run was asked to stop.
        """

    def working(self, what: str, done: int, total: int) -> None:
        """A method works at something else than steps.

        Raises:
            Interrupted: the run was asked to stop.
        """

    def epoch_finished(self, epoch: int) -> None:
        """An epoch, counted from 0, has been trained.

        Raises:
            Diverged: a loss of the epoch was infinite or NaN.
            Interrupted: the run was asked to stop.
        """

    def save(
        self, name: str, kind: str, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]
    ) -> None:
        """Keep tensors that other runs may load; see `Run.save`."""


@dataclass
class RunHost:
    """What the runner gives a Run: the noisy training data, builders, and control between epochs.

    `labels` are the noisy labels, int64 [N], on `device`. `oracle` is the privileged knowledge that
    the method declares.
    """

    views: Views
    labels: Tensor
    num_classes: int
    max_epochs: int
    batch_size: int
    eval_batch_size: int
    seed: int
    device: torch.device
    build_network: Callable[[], nn.Module]
    build_optimizer: Callable[[nn.Module], torch.optim.Optimizer]
    learning_rate_factor: Callable[[float], float]
    probe: Callable[[nn.Module], tuple[nn.Module, Tensor]] = no_pretrained_body
    embed: Callable[[Tensor], Tensor] = flat
    oracle: Mapping[str, Any] = field(default_factory=dict)
    control: RunControl = field(default_factory=RunControl)
