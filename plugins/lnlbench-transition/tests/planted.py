"""Runs over separable features, some of whose labels are wrong."""

import torch
from torch import nn

from lnlbench.embeddings.views import EmbeddingViews, Standardization
from lnlbench.testing.small_runs import CPU, as_backbone, make_run

FEATURES, CLASSES = 6, 4


def flips(wrong):
    """A transition matrix: the share `wrong` of each class goes to the next one."""
    return (1 - wrong) * torch.eye(CLASSES) + wrong * torch.eye(CLASSES).roll(1, dims=1)


def planted_run(wrong=0.3, samples=800, **changes):
    """A run over features of 4 classes whose labels flip by `flips(wrong)`, and the truth."""
    generator = torch.Generator().manual_seed(7)
    right = torch.arange(samples) % CLASSES
    centers = 4 * torch.eye(CLASSES, FEATURES)
    noise = 0.3 * torch.randn(samples, FEATURES, generator=generator)
    features = (centers[right] + noise).half()
    labels = torch.multinomial(flips(wrong)[right], 1, generator=generator).squeeze(1)
    views = EmbeddingViews([features, features], Standardization.of(features), CPU)
    changes = {
        "network": lambda: as_backbone(nn.Linear(FEATURES, CLASSES)),
        "learning_rate_factor": lambda epoch: 1.0,
        **changes,
    }
    return make_run(views=views, labels=labels, **changes), right


def belief_in_truth(network, run, right):
    """The mean probability that a network gives the right classes of the run's samples."""
    probabilities = run.logits(network).softmax(1)
    return probabilities.gather(1, right[:, None]).mean().item()
