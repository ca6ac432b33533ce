"""Mixup: blends of two samples and of their labels.

Source: Zhang et al., ICLR 2018 (arXiv 1710.09412). The larger share stays with the sample itself,
as in MixMatch (Berthelot et al., NeurIPS 2019, arXiv 1905.02249, equation 11).
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import log_softmax


def draw_share(alpha: float, generator: torch.Generator) -> float:
    """One share for a whole batch: max(λ, 1 - λ) with λ ~ Beta(alpha, alpha)."""
    # NumPy draws the Beta because torch's takes no generator; its seed comes from the generator.
    seed = int(torch.randint(2**62, (), generator=generator))
    share = float(np.random.default_rng(seed).beta(alpha, alpha))
    return max(share, 1 - share)


def draw_shares(alpha: float, count: int, generator: torch.Generator) -> Tensor:
    """One share for each sample, float32 [count] on the CPU, each drawn as by `draw_share`."""
    seed = int(torch.randint(2**62, (), generator=generator))
    drawn = np.random.default_rng(seed).beta(alpha, alpha, count)
    return torch.from_numpy(np.maximum(drawn, 1 - drawn)).float()


def draw_partners(count: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """A partner for each of `count` samples: a permutation, int64 [count] on `device`."""
    # The copy does not wait for the device, which may still be busy with the step before.
    return torch.randperm(count, generator=generator).to(device, non_blocking=True)


def mix(values: Tensor, share: float | Tensor, partners: Tensor) -> Tensor:
    """Mixed inputs or soft labels [B, ...]: share * values + (1 - share) * values[partners].

    `share` is one number, or a tensor that broadcasts over `values`; `partners` is int64 [B] on
    the device of `values`.
    """
    # Channels last, an image is one row, and index_select copies it whole.
    others = values.movedim(1, -1).index_select(0, partners).movedim(-1, 1)
    return others.lerp_(values, share)


def soft_cross_entropy(logits: Tensor, soft_labels: Tensor) -> Tensor:
    """Cross-entropy of logits [B, C] with soft labels [B, C], mean over the batch, a scalar."""
    return -(soft_labels * log_softmax(logits, 1)).sum(1).mean()
