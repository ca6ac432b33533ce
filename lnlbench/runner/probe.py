"""The linear probe of pretrained networks: train their classifiers on features made only once."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from lnlbench.augment.blocks import plain_batches
from lnlbench.augment.views import Views
from lnlbench.errors import UsageError
from lnlbench.interface.host import no_pretrained_body
from lnlbench.networks.pretrained import PretrainedNetwork

_BATCH = 128


class Probe:
    """Gives each network's classifier, and the features of the body that all networks start from.

    The body makes the features in eval mode when they are first needed, so a resumed run that no
    longer probes does not make them.
    """

    def __init__(
        self,
        views: Views,
        count: int,
        tensors: Mapping[str, Tensor],
        precision: str,
        device: torch.device,
    ) -> None:
        self._views = views
        self._count = count
        self._tensors = tensors
        self._uses_bf16 = precision == "bf16"
        self._device = device
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
            self._features = self._compute(found.body)
        return found.classifier, self._features

    @torch.no_grad()
    def _compute(self, body: nn.Module) -> Tensor:
        was_training = body.training
        body.eval()
        parts = []
        for images in plain_batches(self._views, self._count, _BATCH):
            with torch.autocast(self._device.type, torch.bfloat16, enabled=self._uses_bf16):
                features = body(images)
            parts.append(features.float())
        body.train(was_training)
        return torch.cat(parts)
