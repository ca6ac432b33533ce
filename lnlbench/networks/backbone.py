"""How a plugin describes a pretrained network that it provides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Backbone:
    """Pretrained weights for a network of timm.

    `name` is the network, `timm:NAME`. `pretrained_on` names the data that the weights have seen;
    results show it. `weights` reads the whole state dict, in timm's own names, when it is needed.
    """

    name: str
    pretrained_on: str
    weights: Callable[[], Mapping[str, Tensor]]
