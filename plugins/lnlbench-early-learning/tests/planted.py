"""Runs over separable features, some of whose labels are wrong."""

import torch
from torch import nn

from lnlbench.embeddings.views import EmbeddingViews, Standardization
from lnlbench.testing.small_runs import CPU, as_backbone, make_run

FEATURES = 6


def planted_run(wrong=0.3, samples=400, **changes):
    """A run over features of 4 classes, and the right labels; a share `wrong` has other labels."""
    generator = torch.Generator().manual_seed(7)
    right = torch.arange(samples) % 4
    centers = 3 * torch.eye(4, FEATURES)
    features = (centers[right] + torch.randn(samples, FEATURES, generator=generator)).half()
    other = (centers[right] + torch.randn(samples, FEATURES, generator=generator)).half()
    flipped = torch.rand(samples, generator=generator) < wrong
    others = (right + torch.randint(1, 4, (samples,), generator=generator)) % 4
    labels = torch.where(flipped, others, right)
    views = EmbeddingViews([features, other], Standardization.of(features), CPU)
    changes = {"network": lambda: as_backbone(nn.Linear(FEATURES, 4)), **changes}
    return make_run(views=views, labels=labels, **changes), right


def accuracy(method, run, right):
    """How often the method predicts the right class of the run's plain samples."""
    for network in method.trained_networks():
        network.eval()
    batches = run.batches(views=1, augment="none", shuffle=False)
    with torch.no_grad():
        predicted = torch.cat([method.predict(batch.views[0]).argmax(1) for batch in batches])
    return (predicted == right).float().mean().item()
