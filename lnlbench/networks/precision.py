"""Numerical precision: bf16 inside a network, float32 for everything computed from its logits."""

from pathlib import Path

import torch
from torch import Tensor, nn

from lnlbench.errors import UsageError
from lnlbench.networks.compiled import run_compiled
from lnlbench.networks.passes import Passes
from lnlbench.networks.stages import draw_weights_anew, stages

PRECISIONS = ("auto", "fp32", "bf16")


def resolve_precision(precision: str, device: torch.device) -> str:
    """`fp32` or `bf16`: the explicit choice, or for "auto" the better one on this device.

    bf16 is chosen only where the hardware computes in it: CUDA capability 8.0 or later, or a CPU
    that reports AVX-512-BF16 or AMX. Elsewhere it is emulated and slower than float32.

    Raises:
        UsageError: `precision` is not the name of a precision.
    """
    if precision not in PRECISIONS:
        raise UsageError(f"Precision is one of {', '.join(PRECISIONS)}, not {precision!r}.")
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bf16" if torch.cuda.get_device_capability(device) >= (8, 0) else "fp32"
    return "bf16" if device.type == "cpu" and _cpu_has_bf16() else "fp32"


def _cpu_has_bf16() -> bool:
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return False
    text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "").split()
    return "avx512_bf16" in flags or "amx_bf16" in flags


class PreciseNetwork(nn.Module):
    """A backbone under the run's precision: autocast inside, float32 logits outside.

    Losses, mixtures and metrics are computed from the float32 logits, never in bf16. With
    `compiled_batches`, batches run compiled while a method trains if their size is a multiple of
    it. Other batches run uncompiled, because each new size would be compiled anew: the rest at the
    end of an epoch, and the large batches of evaluation, which gain least. `passes` counts samples.
    """

    def __init__(
        self,
        body: nn.Module,
        precision: str,
        device: torch.device,
        compiled_batches: int | None = None,
        passes: Passes | None = None,
    ) -> None:
        super().__init__()
        self.passes = passes or Passes()
        self.body = body.to(device).to(memory_format=torch.channels_last)
        self.uses_bf16 = precision == "bf16"
        self.device_type = device.type
        self.compiled_batches = compiled_batches

    def forward(self, images: Tensor) -> Tensor:
        """Logits float32 [B, C]."""
        self.passes.add(len(images), torch.is_grad_enabled())
        compiled = self._compiles(len(images))
        with torch.autocast(self.device_type, torch.bfloat16, enabled=self.uses_bf16):
            logits = run_compiled(self.body, images) if compiled else self.body(images)
        return logits.to(torch.float32, copy=compiled)

    def with_features(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits float32 [B, C], and the features [B, D] that are the last layer's input.

        Gradients flow through both. Such a pass is never compiled.

        Raises:
            UsageError: the network does not end in a linear layer.
        """
        self.passes.add(len(images), torch.is_grad_enabled())
        seen: list[Tensor] = []
        hook = self.classifier.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        try:
            with torch.autocast(self.device_type, torch.bfloat16, enabled=self.uses_bf16):
                logits = self.body(images)
        finally:
            hook.remove()
        return logits.float(), seen[0].float()

    @property
    def classifier(self) -> nn.Linear:
        """The last layer: features [B, D] to logits [B, C]; `reset_parameters` draws new weights.

        Raises:
            UsageError: the network does not end in a linear layer.
        """
        layers = [layer for layer in self.body.modules() if isinstance(layer, nn.Linear)]
        if not layers:
            raise UsageError(
                "This method needs a network that ends in a linear layer, and this one has no "
                "linear layer. Choose another --backbone, such as resnet18."
            )
        return layers[-1]

    def renew(self, last_stages: int = 0) -> nn.ModuleList:
        """Draw new weights for the last stages and the classifier; returns these layers.

        The weights stay the same tensors, so optimizers that were made before still train them.
        `last_stages` is the number of stages before the classifier, 0 for the classifier alone. A
        stage of a residual network is its blocks of one width; `lnlbench.networks.stages` says what
        it is elsewhere. A network of fewer stages is renewed as a whole.

        Raises:
            UsageError: the network does not end in a linear layer.
        """
        before = stages(self.body)
        chosen = before[max(0, len(before) - last_stages) :]
        layers = nn.ModuleList([layer for stage in chosen for layer in stage] + [self.classifier])
        draw_weights_anew(layers)
        return layers

    def _compiles(self, count: int) -> bool:
        unit = self.compiled_batches
        return unit is not None and count % unit == 0 and not torch.is_inference_mode_enabled()
