"""Small runs for the tests of a method; they read, write and evaluate nothing."""

from typing import Any

import torch
from torch import nn

from lnlbench.augment.views import ImageViews
from lnlbench.embeddings.views import EmbeddingViews, Standardization
from lnlbench.interface.host import RunControl, RunHost
from lnlbench.interface.run import Run
from lnlbench.networks.precision import PreciseNetwork

CPU = torch.device("cpu")


def tiny_network(num_classes: int = 4) -> nn.Module:
    """A convolution, batch normalization and a linear layer, with all parts of a real network."""
    layers = [nn.Conv2d(3, 8, 3, 4, bias=False), nn.BatchNorm2d(8)]
    pooled = [nn.AdaptiveAvgPool2d(8), nn.Flatten()]
    return as_backbone(nn.Sequential(*layers, *pooled, nn.Linear(512, num_classes)))


def as_backbone(body: nn.Module) -> nn.Module:
    """The network of a test, with `with_features` and `classifier` as in real runs."""
    return PreciseNetwork(body, "fp32", CPU)


def make_run(samples: int = 50, batch_size: int = 16, max_epochs: int = 3, **changes: Any) -> Run:
    """A run over random 32x32 images with labels 0 to 3, the same every time.

    `changes` replace what the runner gives a run: `network` (a function that builds a network), and
    any field of `lnlbench.interface.host.RunHost` or `RunControl`.
    """
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (samples, 3, 32, 32), dtype=torch.uint8, generator=generator)
    labels = torch.randint(0, 4, (samples,), generator=generator)
    network = changes.pop("network", tiny_network)
    control = RunControl()
    for call in ("restore", "epoch_finished", "step_finished", "working", "save"):
        if call in changes:
            setattr(control, call, changes.pop(call))
    settings: dict[str, Any] = {
        "views": ImageViews(images, (0.5,) * 3, (0.25,) * 3, "crop-flip", CPU),
        "labels": labels,
        "num_classes": 4,
        "max_epochs": max_epochs,
        "batch_size": batch_size,
        "eval_batch_size": 20,
        "seed": 0,
        "device": CPU,
        "build_network": network,
        "build_optimizer": lambda module: torch.optim.SGD(module.parameters(), lr=0.1),
        "learning_rate_factor": lambda epoch: 0.5**epoch,
    }
    return Run(RunHost(**{**settings, **changes}, control=control))


def make_embedding_run(**changes: Any) -> Run:
    """A run on the features of fifty samples, with two views of each; `changes` as for make_run."""
    generator = torch.Generator().manual_seed(2)
    features = [torch.randn(50, 6, generator=generator).half() for _ in range(2)]
    views = EmbeddingViews(features, Standardization.of(features[0]), CPU)
    changes = {"network": lambda: as_backbone(nn.Linear(6, 4)), **changes}
    return make_run(views=views, **changes)
