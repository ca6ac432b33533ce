"""ELR+ (Liu et al., NeurIPS 2020): early-learning regularization with two networks.

Followed: github.com/shengliu66/ELR at 934af53, ELR_plus/. Details and deviations: docs/elr-plus.md.
"""

from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import log_softmax, one_hot, softmax

import lnlbench
from lnlbench_early_learning.mixing import draw_mixing, sigmoid_rampup

MANY_CLASSES = 100
# The authors keep probabilities off 0 and 1, so that the logarithm of the regularizer is finite.
CLAMP = 1e-4
# Both ramps are over 40,000 steps; their CIFAR-100 run has 250 epochs of 352.
RAMPUP_SHARE = 40_000 / (250 * 352)


def updated_targets(targets: Tensor, logits: Tensor, momentum: float) -> Tensor:
    """Running mean [B, C] of the teacher's predictions for each sample."""
    return momentum * targets + (1 - momentum) * softmax(logits, 1)


def weighted_labels(labels: Tensor, targets: Tensor) -> Tensor:
    """Soft labels [B, C] times the targets, normalized: classes that the target denies go."""
    weighted = labels * targets
    return weighted / weighted.sum(1, keepdim=True).clamp(min=torch.finfo(weighted.dtype).tiny)


def soft_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy with soft labels [B, C]."""
    return -(labels * log_softmax(logits, 1)).sum(1).mean()


def early_learning_penalty(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean of log(1 - <target, prediction>): lowest where predictions agree with targets."""
    probabilities = softmax(logits, 1).clamp(CLAMP, 1 - CLAMP)
    return (1 - (targets * probabilities).sum(1)).log().mean()


@torch.no_grad()
def move_average(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move the weights of `average` towards those of `network`; buffers stay as they are."""
    torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - decay)


class Learner(NamedTuple):
    """One of the two networks, the average of its weights, and its targets [N, C]."""

    network: nn.Module
    average: nn.Module
    optimizer: torch.optim.Optimizer
    targets: Tensor


class ELRPlus(lnlbench.Method):
    """Two networks on mixed samples, each pulled towards what the other's average predicts."""

    name = "elr-plus"
    reference = "Liu et al., Early-Learning Regularization, NeurIPS 2020, arxiv.org/abs/2007.00151"
    networks = 2
    recipes = {  # noqa: RUF012 - declared as a ClassVar by the base class
        "native": lnlbench.Recipe(
            schedule={
                "backbone": "preact-resnet18",
                "epochs": 250,
                "batch_size": 128,
                "optimizer": {"name": "sgd", "lr": 0.02, "momentum": 0.9, "weight_decay": 5e-4},
                "milestones": [0.8],
                "validation": 0.1,
            },
            note="The authors' CIFAR-100 schedule, with a tenth of the noisy set held out.",
        )
    }

    class Params(lnlbench.Params):
        """Defaults are the authors' values for CIFAR-10 and CIFAR-100, by the number of classes."""

        target_momentum: float | None = Field(
            None,
            ge=0,
            lt=1,
            description="Share of a target that survives an epoch, β in the paper; by default 0.9 "
            "from 100 classes on, else 0.7.",
        )
        regularization: float | None = Field(
            None,
            ge=0,
            le=1e6,
            description="Weight of the regularizer, λ in the paper; by default 7 from 100 classes "
            "on, else 3.",
        )
        rampup_share: float | None = Field(
            None,
            ge=0,
            le=1,
            description="Share of the run in which the regularizer comes in; by default five "
            "elevenths from 100 classes on, else 0.",
        )
        weight_labels: bool | None = Field(
            None,
            description="Multiply labels by the targets; by default from 100 classes on.",
        )
        mixup_alpha: float = Field(
            1.0, gt=0, le=1e6, description="Mixing shares are drawn from Beta(alpha, alpha)."
        )
        ema_decay: float = Field(
            0.997, ge=0, lt=1, description="Share of the averaged weights that survives a step."
        )
        ema_rampup_share: float = Field(
            RAMPUP_SHARE, ge=0, le=1, description="Share of the run in which that share grows."
        )

        def for_classes(self, num_classes: int) -> "ELRPlus.Params":
            """The same, with the authors' values where there is none."""
            many = num_classes >= MANY_CLASSES
            presets = {
                "target_momentum": 0.9 if many else 0.7,
                "regularization": 7.0 if many else 3.0,
                "rampup_share": RAMPUP_SHARE if many else 0.0,
                "weight_labels": many,
            }
            given = {key: value for key, value in self.model_dump().items() if value is not None}
            return type(self)(**{**presets, **given})

    def fit(self, run: lnlbench.Run) -> None:
        """Train the first network for an epoch, then the second; each teaches the other."""
        settings = self.params.for_classes(run.num_classes)
        self.network, self.peer = run.network(), run.network()
        self.average, self.peer_average = run.network(), run.network()
        self.optimizer = run.optimizer(self.network)
        self.peer_optimizer = run.optimizer(self.peer)
        # Row 0 holds the targets of the network, row 1 those of its peer.
        self.targets = torch.zeros(2, run.num_samples, run.num_classes, device=run.device)
        self.labels = run.labels
        for epoch in run.epochs():
            own, peers = self.targets
            first = Learner(self.network, self.average, self.optimizer, own)
            second = Learner(self.peer, self.peer_average, self.peer_optimizer, peers)
            self._train(run, epoch, settings, first, second.average)
            self._train(run, epoch, settings, second, first.average)

    def _train(
        self, run: lnlbench.Run, epoch: int, settings: Params, learner: Learner, teacher: nn.Module
    ) -> None:
        """One epoch of one network; its average and its targets follow every step."""
        steps = -(-run.num_samples // run.batch_size)
        for step, batch in enumerate(run.batches(views=1), start=1):
            images = batch.views[0]
            with torch.no_grad():
                # The teacher stays in training mode: it uses the statistics of the batch.
                targets = updated_targets(
                    learner.targets[batch.index], teacher(images), settings.target_momentum
                )
                learner.targets[batch.index] = targets
            mixing = draw_mixing(len(images), settings.mixup_alpha, run.generator)
            labels = mixing(one_hot(batch.labels, run.num_classes).float())
            targets = mixing(targets)
            if settings.weight_labels:
                labels = weighted_labels(labels, targets)
            logits = learner.network(mixing(images))
            progress = (epoch + step / steps) / run.max_epochs
            weight = settings.regularization * sigmoid_rampup(progress, settings.rampup_share)
            penalty = early_learning_penalty(logits, targets)
            run.step(soft_cross_entropy(logits, labels) + weight * penalty, learner.optimizer)
            decay = settings.ema_decay * sigmoid_rampup(progress, settings.ema_rampup_share)
            move_average(learner.average, learner.network, decay)

    def trained_networks(self) -> list[nn.Module]:
        """Both networks; their averages only teach."""
        return [self.network, self.peer]

    def clean_probability(self) -> Tensor | None:
        """The share of each sample's targets that lies on its given label, mean of both rows."""
        index = self.labels.expand(2, -1).unsqueeze(2)
        on_label = self.targets.gather(2, index).squeeze(2)
        # Targets start at zero and sum to less than one in early epochs; rounding may exceed it.
        return (on_label / self.targets.sum(2).clamp(min=CLAMP)).clamp(0, 1).mean(0)
