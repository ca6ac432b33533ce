"""What the runner gives a run to work with: the other side of `lnlbench.interface.run`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from lnlbench.augment.views import Views
from lnlbench.errors import UsageError


def no_pretrained_body(network: nn.Module) -> tuple[nn.Module, Tensor]:
    """Refuse a linear probe of a network whose start knows nothing, or that is a head already.

    Raises:
        UsageError: always.
    """
    raise UsageError(
        "A linear probe needs networks that start from pretrained weights: --backbone timm:NAME "
        "--pretrained, or --track cifar100n-pretrained. On a track of embeddings every epoch "
        "trains a head on frozen features already."
    )


@dataclass
class RunHost:
    """What the runner gives a Run: builders, the training data, and control between epochs."""

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
    learning_rate_factor: Callable[[int], float]
    probe: Callable[[nn.Module], tuple[nn.Module, Tensor]] = no_pretrained_body
    oracle: Mapping[str, Any] = field(default_factory=dict)
    restore: Callable[[], int] = lambda: 0
    epoch_finished: Callable[[int], None] = lambda epoch: None
    step_finished: Callable[[], None] = lambda: None
    save: Callable[[str, str, Mapping[str, Tensor], Mapping[str, Any]], None] = (
        lambda name, kind, tensors, facts: None
    )
