"""How a plugin describes a network that it provides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class Backbone:
    """A network of a plugin: pretrained weights for a network of timm, or a builder of its own.

    With `weights`, `name` is the network, `timm:NAME`. `pretrained_on` names the data that the
    weights have seen; results show it. `weights` reads the whole state dict, in timm's own names,
    when it is needed.

    With `build`, `name` is the name for `--backbone`: lower-case words joined by hyphens.
    `build(num_classes, input_shape)` returns a network with random weights from torch's global
    random stream. It maps normalized float32 images [B, *input_shape] to logits [B, num_classes];
    `input_shape` is (channels, height, width). The first line of its docstring describes it.
    """

    name: str
    pretrained_on: str = ""
    weights: Callable[[], Mapping[str, Tensor]] | None = None
    build: Callable[[int, tuple[int, int, int]], nn.Module] | None = None
