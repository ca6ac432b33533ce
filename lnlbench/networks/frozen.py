"""A frozen pretrained backbone, or its first layers: uint8 images in, features out."""

from collections.abc import Mapping

import torch
from torch import Tensor

from lnlbench.errors import RunError
from lnlbench.networks.cut import cut
from lnlbench.networks.preprocessing import Preprocessing
from lnlbench.networks.pretrained import pretrained_body
from lnlbench.networks.timm_names import PREFIX

# Images that pass together on a CPU. More are not faster, and their activations take gigabytes.
_TOGETHER = 50


class FrozenBackbone:
    """Pooled features of a pretrained timm network in eval mode.

    With `until`, it returns the input of that layer in place of pooled features.
    """

    def __init__(
        self,
        backbone: str,
        tensors: Mapping[str, Tensor],
        preprocessing: Preprocessing,
        precision: str,
        device: torch.device,
        until: str | None = None,
    ) -> None:
        network = pretrained_body(backbone, tensors)
        if until is not None:
            network, _ = cut(backbone.removeprefix(PREFIX), network, until)
        self.network = network.to(device).to(memory_format=torch.channels_last).eval()
        self.preprocessing = preprocessing
        self.uses_bf16 = precision == "bf16"
        self.device = device

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        """Features float16 [B, D], or maps [B, ...], of uint8 images [B, 3, H, W], on the CPU.

        Raises:
            RunError: a feature is not finite, or too large for float16.
        """
        if self.device.type != "cpu":
            return self._features(images)
        return torch.cat([self._features(part) for part in images.split(_TOGETHER)])

    def _features(self, images: Tensor) -> Tensor:
        inputs = self.preprocessing(images.to(self.device))
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.uses_bf16):
            features = self.network(inputs)
        features = features.to(torch.float16)
        if not torch.isfinite(features).all():
            raise RunError(
                "The frozen backbone gives infinite or NaN features. Its weights may be damaged; "
                "give others with --weights FILE."
            )
        return features.cpu()
