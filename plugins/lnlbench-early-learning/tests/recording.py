"""What the tests watch of a run: logits that were said, orders of batches, losses of steps."""

import torch
from torch import nn

from lnlbench.interface.run import Run

CLASSES = 4


def draw(samples=12, classes=CLASSES, seed=0, scale=3.0):
    generator = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(samples, classes, generator=generator)
    return logits, torch.randint(classes, (samples,), generator=generator)


def mean(values):
    values = list(values)
    return sum(values) / len(values)


class Recorded(nn.Linear):
    """A linear network that remembers what it was shown and what it said."""

    def __init__(self):
        super().__init__(3072, CLASSES)
        self.seen, self.said = [], []

    def forward(self, images):
        logits = super().forward(images.flatten(1))
        self.seen.append(images.flatten(1))
        self.said.append(logits.tolist())
        return logits


def recorded_losses(monkeypatch):
    """The loss of every step of a run, as they come."""
    seen, original = [], Run.step

    def step(self, loss, optimizer):
        seen.append(loss.item())
        original(self, loss, optimizer)

    monkeypatch.setattr(Run, "step", step)
    return seen


def recorded_order(run):
    """Indices of every batch that the run gives, as they come."""
    orders, batches = [], run.batches

    def recorded(**settings):
        for batch in batches(**settings):
            orders.append(batch.index.tolist())
            yield batch

    run.batches = recorded
    return orders
