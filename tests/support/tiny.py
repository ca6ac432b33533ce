"""Small runs without the command line: a Run over a few images, the digits track cut short."""

from pathlib import Path

import torch
from torch import nn

from lnlbench.augment.views import ImageViews
from lnlbench.data import load_dataset
from lnlbench.embeddings.views import EmbeddingViews, Standardization
from lnlbench.interface.host import RunControl, RunHost
from lnlbench.interface.run import Run
from lnlbench.plugins import load_plugins
from lnlbench.runner.directory import RunDirectory
from lnlbench.runner.display import QuietDisplay
from lnlbench.runner.execute import execute
from lnlbench.runner.options import RunOptions
from lnlbench.spec.run_spec import build_spec

CPU = torch.device("cpu")


def tiny_network(num_classes: int = 4) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 4, bias=False),
        nn.BatchNorm2d(8),
        nn.Flatten(),
        nn.LazyLinear(num_classes),
    )


def make_run(samples: int = 50, batch_size: int = 16, max_epochs: int = 3, **changes) -> Run:
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (samples, 3, 32, 32), dtype=torch.uint8, generator=generator)
    labels = torch.randint(0, 4, (samples,), generator=generator)
    network = changes.pop("network", tiny_network)
    control = RunControl()
    for call in ("restore", "epoch_finished", "step_finished", "save"):
        if call in changes:
            setattr(control, call, changes.pop(call))
    settings = {
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


def make_embedding_run(**changes) -> Run:
    """A run on the features of fifty samples, of which there are two views."""
    generator = torch.Generator().manual_seed(2)
    features = [torch.randn(50, 6, generator=generator).half() for _ in range(2)]
    views = EmbeddingViews(features, Standardization.of(features[0]), CPU)
    return make_run(views=views, network=lambda: nn.Linear(6, 4), **changes)


def quick_params(method) -> dict:
    """What a method that learns something before its network needs to be as quick as the others."""
    quick = {"mentor_steps": 40}
    return {key: value for key, value in quick.items() if key in method.Params.model_fields}


def short_spec(method, seed: int = 0, **overrides):
    settings = {"epochs": 3, "limit_train": 200, "limit_test": 100, **overrides}
    return build_spec(method, "digits", overrides=settings, seed=seed)


def run_short(name: str, folder: Path, seed: int = 0, params=None, **overrides):
    """Execute a method on a cut-down digits track; returns its result."""
    plugins = load_plugins(strict=True)
    method = plugins.method(name)
    settings = {"epochs": 3, "limit_train": 200, "limit_test": 100, **overrides}
    params = {**quick_params(method), **(params or {})}
    spec = build_spec(method, "digits", overrides=settings, params=params, seed=seed)
    directory = RunDirectory.of_spec(folder, spec)
    dataset = load_dataset("digits")
    return execute(
        spec, method, plugins.origins[name], dataset, directory, QuietDisplay(), RunOptions()
    )


def comparable(result) -> dict:
    """A result without what may differ between two runs of one spec: time, memory, git's state."""
    document = result.model_dump(mode="json")
    document["environment"] = {
        key: value for key, value in document["environment"].items() if not key.startswith("git")
    }
    document.pop("created")
    document.pop("cost")
    return document
