"""Running networks through `torch.compile`: fused kernels, and CUDA graphs on a GPU."""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from lnlbench.errors import UsageError
from lnlbench.system.text import first_line

# Each mode, batch size and network may need a version of its own; torch stops at 8 by default.
_VERSIONS = 64


def forward(body: nn.Module, images: Tensor) -> Tensor:
    """The function that is compiled. It takes the body, so that a copied network runs its own."""
    return body(images)


def run_compiled(body: nn.Module, images: Tensor) -> Tensor:
    """`body(images)`; the first call of each mode and shape compiles it, which takes long.

    On CUDA the result is overwritten by the next call: copy it.

    Raises:
        UsageError: this machine or network cannot be compiled.
    """
    # Imported late: it takes seconds, and most runs do not compile.
    from torch._dynamo.exc import TorchDynamoException

    try:
        logits: Tensor = _compiled(images.device.type)(body, images)
    except TorchDynamoException as error:
        reason = first_line(error)[:200]
        raise UsageError(
            f"--compile failed: {type(error).__name__}: {reason}. On a CPU it needs a C++ compiler "
            "such as g++, on CUDA Triton. Run without --compile."
        ) from error
    return logits


@cache
def _compiled(device_type: str) -> Callable[..., Any]:
    from torch._dynamo import config

    config.recompile_limit = _VERSIONS
    # On a GPU, launching kernels takes most of a small network's time. A graph launches all.
    mode = "reduce-overhead" if device_type == "cuda" else "default"
    return torch.compile(forward, mode=mode, dynamic=False)
