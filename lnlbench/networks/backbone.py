"""What a plugin says of a pretrained network that it provides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Backbone:
    """Pretrained weights for a network of timm.

    `name` is the network, `timm:NAME`. `pretrained_on` says, for the results, which data the
    weights have seen. `weights` reads the whole state dict, in timm's own names, when it is needed.
    """

    name: str
    pretrained_on: str
    weights: Callable[[], Mapping[str, Tensor]]
