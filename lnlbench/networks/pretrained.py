"""A network whose body starts from pretrained weights and whose classifier does not."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from lnlbench.networks.timm_backbone import PREFIX


def pretrained_body(backbone: str, tensors: Mapping[str, Tensor]) -> Any:
    """The network `timm:NAME` without its classifier, with the tensors from `find_weights`."""
    import timm

    name = backbone.removeprefix(PREFIX)
    body: Any = timm.create_model(name, pretrained=False, num_classes=0)
    body.load_state_dict(tensors, strict=False)  # `find_weights` has checked this already
    return body


class PretrainedNetwork(nn.Module):
    """A pretrained body of timm, and a linear classifier with random weights on its features."""

    def __init__(self, backbone: str, tensors: Mapping[str, Tensor], num_classes: int) -> None:
        super().__init__()
        self.body = pretrained_body(backbone, tensors)
        self.classifier = nn.Linear(self.body.head_hidden_size, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, C] of preprocessed images [B, 3, S, S]."""
        return self.classifier(self.body(images))

    def has_body_of(self, tensors: Mapping[str, Tensor]) -> bool:
        """Whether the body still equals its pretrained weights, unchanged by any step or batch."""
        state = self.body.state_dict()
        return all(
            torch.equal(state[name].cpu(), tensor.cpu().to(state[name].dtype))
            for name, tensor in tensors.items()
        )


def layer_groups(body: nn.Module) -> list[list[nn.Parameter]]:
    """The body's parameters in timm's own layer groups, from the classifier's side to the input."""
    from timm.models import group_parameters

    matcher: Any = getattr(body, "group_matcher", None)
    layers: dict[str, int] = {}
    if matcher is not None:
        layers = group_parameters(body, matcher(coarse=False), reverse=True)
    groups: dict[int, list[nn.Parameter]] = {}
    for name, parameter in body.named_parameters():
        groups.setdefault(layers.get(name, 0), []).append(parameter)
    return [groups[layer] for layer in sorted(groups, reverse=True)]
