"""A network whose body starts from pretrained weights and whose classifier does not."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from lnlbench.networks.cut import cut
from lnlbench.networks.pooling import pool_channels_last
from lnlbench.networks.timm_names import PREFIX


def pretrained_body(backbone: str, tensors: Mapping[str, Tensor]) -> Any:
    """The network `timm:NAME` without its classifier, with the tensors from `find_weights`."""
    import timm

    name = backbone.removeprefix(PREFIX)
    body: Any = timm.create_model(name, pretrained=False, num_classes=0)
    body.load_state_dict(tensors, strict=False)  # `find_weights` has checked this already
    return body


class PretrainedNetwork(nn.Module):
    """A pretrained body of timm, and a linear classifier with random weights on its features.

    With `frozen_until`, the body begins with that layer.
    """

    def __init__(
        self,
        backbone: str,
        tensors: Mapping[str, Tensor],
        num_classes: int,
        frozen_until: str | None = None,
    ) -> None:
        super().__init__()
        whole = pretrained_body(backbone, tensors)
        pool_channels_last(whole)
        self.depths = _depths(whole)
        self.body = whole
        if frozen_until is not None:
            _, self.body = cut(backbone.removeprefix(PREFIX), whole, frozen_until)
        self.classifier = nn.Linear(whole.head_hidden_size, num_classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits [B, C] of preprocessed images [B, 3, S, S], or of the input of the first layer."""
        return self.classifier(self.body(inputs))

    def has_body_of(self, tensors: Mapping[str, Tensor]) -> bool:
        """Whether the body still equals its pretrained weights, unchanged by any step or batch."""
        state = self.body.state_dict()
        return all(
            torch.equal(value.cpu(), tensors[name].cpu().to(value.dtype))
            for name, value in state.items()
            if name in tensors
        )

    def layer_groups(self) -> list[list[nn.Parameter]]:
        """The body's parameters in timm's layer groups, from the classifier's side to the input."""
        groups: dict[int, list[nn.Parameter]] = {}
        for name, parameter in self.body.named_parameters():
            groups.setdefault(self.depths.get(name, 0), []).append(parameter)
        return [groups[depth] for depth in sorted(groups, reverse=True)]


def _depths(body: nn.Module) -> dict[str, int]:
    """The layer group of each parameter, counted from the input, by the parameter's name."""
    from timm.models import group_parameters

    matcher: Any = getattr(body, "group_matcher", None)
    if matcher is None:
        return {}
    depths: dict[str, int] = group_parameters(body, matcher(coarse=False), reverse=True)
    return depths
