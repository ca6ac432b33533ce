"""A small problem with planted label noise: patterns that a small network learns in seconds."""

import torch
from torch import nn

from lnlbench.augment.views import ImageViews
from lnlbench.interface.batch import CleanSubset
from lnlbench.testing.small_runs import CPU, make_run

CLASSES = 4
SAMPLES = 480


def planted_run(noise_rate, max_epochs=12, method=None, seed=0):
    """A run over noisy patterns, with what `method` may know; and its images and clean labels."""
    generator = torch.Generator().manual_seed(7)
    patterns = torch.rand(CLASSES, 3, 8, 8, generator=generator)
    clean = torch.arange(SAMPLES) % CLASSES
    images = patterns[clean] + 0.25 * torch.randn(SAMPLES, 3, 8, 8, generator=generator)
    images = (255 * images.clamp(0, 1)).to(torch.uint8)
    wrong = torch.randperm(SAMPLES, generator=generator)[: round(noise_rate * SAMPLES)]
    noisy = clean.clone()
    noisy[wrong] += torch.randint(1, CLASSES, (len(wrong),), generator=generator)
    noisy %= CLASSES
    views = ImageViews(images, (0.5,) * 3, (0.25,) * 3, "none", CPU)
    subset = torch.randperm(SAMPLES, generator=generator)[: SAMPLES // 6]
    knowledge = {
        "clean_labels": clean,
        "noise_rate": len(wrong) / SAMPLES,
        "clean_subset": CleanSubset(subset, clean[subset]),
    }
    oracle = {} if method is None else {key: knowledge[key] for key in method.oracle}
    run = make_run(
        batch_size=32,
        max_epochs=max_epochs,
        views=views,
        labels=noisy,
        num_classes=CLASSES,
        eval_batch_size=SAMPLES,
        seed=seed,
        network=network,
        build_optimizer=lambda module: torch.optim.SGD(module.parameters(), lr=0.05, momentum=0.9),
        learning_rate_factor=lambda epoch: 1.0,
        oracle=oracle,
    )
    return run, views.plain(0, SAMPLES), clean


def network():
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(256, CLASSES),
    )


def accuracy(method, images, labels):
    """The share of right predictions, every network in eval mode."""
    for each in method.trained_networks():
        each.eval()
    with torch.inference_mode():
        return float((method.predict(images).argmax(1) == labels).float().mean())
