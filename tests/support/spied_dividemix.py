"""DivideMix on small images, with a note of all that it does: passes, steps, and beliefs."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from lnlbench.augment.views import ImageViews
from lnlbench.interface.batch import Batch
from lnlbench.interface.host import RunHost
from lnlbench.interface.run import Run
from lnlbench.methods.dividemix import DivideMix

CLASSES = 4
SIDE = 6
BATCH = 16  # half of it labeled, half unlabeled
HALF = BATCH // 2
EVERY = 25  # evaluation batch


@dataclass
class Call:
    """One forward pass, or one step of an optimizer."""

    network: str
    kind: str
    training: bool = False
    grad: bool = False
    size: int = 0


class Recorder(nn.Module):
    """A small network with batch normalization that notes how it is called."""

    def __init__(self, name: str, calls: list[Call], normalize: bool = True) -> None:
        super().__init__()
        width = SIDE * SIDE
        self.name, self.calls = name, calls
        self.normalization = nn.BatchNorm1d(width) if normalize else nn.Identity()
        self.linear = nn.Linear(width, CLASSES)

    def forward(self, images):
        grad = torch.is_grad_enabled()
        self.calls.append(Call(self.name, "forward", self.training, grad, len(images)))
        return self.linear(self.normalization(images.flatten(1)))


class SpyRun(Run):
    """A Run that notes steps, the indices of each pass of two views, and training-set logits."""

    def __init__(self, host: RunHost, calls: list[Call]) -> None:
        super().__init__(host)
        self.calls = calls
        self.owners: dict[int, str] = {}
        self.passes: list[list[torch.Tensor]] = []
        self.training_logits: list[torch.Tensor] = []

    def optimizer(self, network):
        optimizer = super().optimizer(network)
        self.owners[id(optimizer)] = network.name
        return optimizer

    def batches(self, indices=None, views=None, **options):
        if views is None:
            self.passes.append([])
            seen = self.passes[-1]
        for batch in super().batches(indices, views=views, **options):
            if views is None:
                seen.append(batch.index)
            yield batch

    def logits(self, network):
        self.training_logits.append(super().logits(network))
        return self.training_logits[-1]

    def step(self, loss, optimizer):
        self.calls.append(Call(self.owners[id(optimizer)], "step"))
        super().step(loss, optimizer)


class SpyDivideMix(DivideMix):
    """DivideMix that keeps what it believes after each epoch and what each step is given."""

    def __init__(self, **params: Any) -> None:
        super().__init__(DivideMix.Params(**params))
        self.given: list[tuple[str, Batch, Batch | None, torch.Tensor, float]] = []

    def _loss(self, run, network, peer, batch, other, clean_probability, ramp):
        assert network is not peer
        self.given.append((network.name, batch, other, clean_probability, ramp))
        return super()._loss(run, network, peer, batch, other, clean_probability, ramp)


@dataclass
class Trained:
    """A finished fit and everything that was noted on the way."""

    method: SpyDivideMix
    run: SpyRun
    calls: list[Call]
    by_epoch: list[list[Call]]
    beliefs: list[torch.Tensor | None]

    def events(self, name):
        return [event for event in self.run.events if event.event == name]

    def given_to(self, network):
        return [given for given in self.method.given if given[0] == network]


def images_and_labels(count, wrong=0.2, seed=0):
    """Images whose bright quadrant is their class, and labels of which some are wrong."""
    generator = torch.Generator().manual_seed(seed)
    clean = torch.arange(count) % CLASSES
    images = torch.randint(0, 90, (count, 1, SIDE, SIDE), generator=generator)
    half = SIDE // 2
    for image, label in zip(images, clean.tolist(), strict=True):
        top, left = half * (label // 2), half * (label % 2)
        image[:, top : top + half, left : left + half] += 140
    labels = clean.clone()
    flipped = torch.randperm(count, generator=generator)[: round(wrong * count)]
    labels[flipped] = (labels[flipped] + 1) % CLASSES
    return images.to(torch.uint8), labels, clean


def make_run(count=60, epochs=1, seed=0, normalize=True, lr=0.05, policy="crop-flip"):
    """A real Run over small random images, and the list that all calls are noted in."""
    images, labels, _ = images_and_labels(count)
    calls: list[Call] = []
    names = iter(["network", "peer"])
    host = RunHost(
        views=ImageViews(images, (0.4,), (0.3,), policy, torch.device("cpu")),
        labels=labels,
        num_classes=CLASSES,
        max_epochs=epochs,
        batch_size=BATCH,
        eval_batch_size=EVERY,
        seed=seed,
        device=torch.device("cpu"),
        build_network=lambda: Recorder(next(names), calls, normalize),
        build_optimizer=lambda network: torch.optim.SGD(network.parameters(), lr, 0.9),
        learning_rate_factor=lambda epoch: 1.0,
    )
    return SpyRun(host, calls)


def train(count=60, epochs=1, run_options=None, **params):
    """Fit and note; whatever comes of it, every parameter of both networks must be finite."""
    run = make_run(count, epochs, **(run_options or {}))
    method = SpyDivideMix(**{"warmup_epochs": 0, **params})
    by_epoch: list[list[Call]] = []
    beliefs: list[torch.Tensor | None] = []

    def note(epoch):
        by_epoch.append(run.calls[sum(map(len, by_epoch)) :])
        beliefs.append(method.clean_probability())
        assert run.logged.losses_were_finite()

    run._host.control.epoch_finished = note
    method.fit(run)
    for network in (method.network, method.peer):
        assert all(torch.isfinite(parameter).all() for parameter in network.parameters())
    return Trained(method, run, run.calls, by_epoch, beliefs)


def belief_of(count, labeled, high=0.9, low=0.1):
    """Beliefs that are all different, above one half for the samples `labeled`."""
    belief = low + 0.05 * torch.rand(count, generator=torch.Generator().manual_seed(count))
    belief[labeled] += high - low
    return belief
