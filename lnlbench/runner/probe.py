"""Features of pretrained bodies, and the linear probe that trains classifiers on them."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from lnlbench.augment.blocks import plain_batches
from lnlbench.augment.views import Views
from lnlbench.errors import UsageError
from lnlbench.interface.host import no_pretrained_body
from lnlbench.networks.pretrained import PretrainedNetwork

_BATCH = 128


class PretrainedFeatures:
    """Features of a batch, from the pretrained body of all networks, in eval mode, before training.

    It builds that body when it is first called.
    """

    def __init__(
        self, build: Callable[[], PretrainedNetwork], precision: str, device: torch.device
    ) -> None:
        self._build = build
        self._uses_bf16 = precision == "bf16"
        self._device = device
        self._body: nn.Module | None = None

    @torch.no_grad()
    def __call__(self, inputs: Tensor) -> Tensor:
        """Features float32 [B, D] of preprocessed images, or of cached feature maps, [B, ...]."""
        if self._body is None:
            with torch.random.fork_rng(devices=[]):  # building draws numbers that weights replace
                body = self._build().body
            self._body = body.to(self._device).to(memory_format=torch.channels_last).eval()
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._uses_bf16):
            features: Tensor = self._body(inputs)
        return features.float()


class Probe:
    """Gives each network's classifier, and the features of the body that all networks start from.

    The features are made when they are first needed, so a resumed run that no longer probes does
    not make them.
    """

    def __init__(
        self,
        views: Views,
        count: int,
        tensors: Mapping[str, Tensor],
        embed: Callable[[Tensor], Tensor],
    ) -> None:
        self._views = views
        self._count = count
        self._tensors = tensors
        self._embed = embed
        self._features: Tensor | None = None

    def __call__(self, network: nn.Module) -> tuple[nn.Module, Tensor]:
        """The classifier, and the features float32 [N, D] of the unaugmented training samples.

        Raises:
            UsageError: the network has no pretrained body, or its body has been trained already.
        """
        parts = (part for part in network.modules() if isinstance(part, PretrainedNetwork))
        found = next(parts, None)
        if found is None:
            return no_pretrained_body(network)
        if not found.has_body_of(self._tensors):
            raise UsageError(
                "A linear probe comes before fine-tuning: this network's body has been trained."
            )
        if self._features is None:
            plain = plain_batches(self._views, self._count, _BATCH)
            self._features = torch.cat([self._embed(images) for images in plain])
        return found.classifier, self._features
