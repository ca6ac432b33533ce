"""Runs over separable features, some of whose labels are wrong."""

import torch
from torch import nn

from lnlbench.embeddings.views import EmbeddingViews, Standardization
from lnlbench.testing.small_runs import CPU, make_run


def planted_run(wrong=0.3, samples=400, **changes):
    """A run over features of 4 classes, and the right labels; a share `wrong` has other labels."""
    generator = torch.Generator().manual_seed(7)
    right = torch.arange(samples) % 4
    centers = 3 * torch.eye(4, 6)
    features = (centers[right] + torch.randn(samples, 6, generator=generator)).half()
    flipped = torch.rand(samples, generator=generator) < wrong
    others = (right + torch.randint(1, 4, (samples,), generator=generator)) % 4
    labels = torch.where(flipped, others, right)
    views = EmbeddingViews([features, features], Standardization.of(features), CPU)
    run = make_run(views=views, labels=labels, network=lambda: nn.Linear(6, 4), **changes)
    return run, right
