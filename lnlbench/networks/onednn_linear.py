"""A linear layer that lets oneDNN, not MKL, compute its float32 products on a CPU.

On an AMD EPYC, oneDNN takes half of the time. It rounds differently, because it adds the summands
in another order.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear


class OneDnnLinear(nn.Linear):
    """`nn.Linear`, with products by oneDNN where oneDNN can compute them."""

    def forward(self, features: Tensor) -> Tensor:
        """Features [B, D] to [B, C]."""
        if _made_by_onednn(features, self.weight):
            return _Product.apply(features, self.weight, self.bias)
        return super().forward(features)


def _made_by_onednn(features: Tensor, weight: Tensor) -> bool:
    return bool(
        features.device.type == weight.device.type == "cpu"
        and features.dtype == weight.dtype == torch.float32
        and features.dim() == 2
        and len(features) > 0
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
        and torch.backends.mkldnn.is_available()
        and torch.backends.mkldnn.enabled
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")  # torch keeps it for its compiler
    )


class _Product(torch.autograd.Function):
    """`linear(left, right, bias)`; gradients of any order are such products again."""

    @staticmethod
    def forward(left: Tensor, right: Tensor, bias: Tensor | None) -> Tensor:
        product: Tensor = torch.ops.mkldnn._linear_pointwise(left, right, bias, "none", [], "")
        return product

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        left, right, _ = inputs
        ctx.save_for_backward(left, right)
        ctx.save_for_forward(left, right)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        left, right = ctx.saved_tensors
        wants_left, wants_right, wants_bias = ctx.needs_input_grad
        return (
            _Product.apply(gradient, right.t(), None) if wants_left else None,
            _Product.apply(gradient.t(), left.t(), None) if wants_right else None,
            gradient.sum(0) if wants_bias else None,
        )

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor | None) -> Tensor:
        left, right = ctx.saved_tensors
        by_left, by_right, by_bias = tangents
        parts = [
            linear(by_left, right) if by_left is not None else None,
            linear(left, by_right) if by_right is not None else None,
            by_bias,
        ]
        total = sum(part for part in parts if part is not None)
        assert isinstance(total, Tensor)
        return total

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *operands: Any) -> tuple[Tensor, int]:
        return torch.vmap(linear, in_dims, randomness=info.randomness)(*operands), 0
