"""ELR+ (Liu et al., NeurIPS 2020): early-learning regularization with two networks.

Reference: github.com/shengliu66/ELR at 934af53, ELR_plus/. Details and deviations:
docs/elr-plus.md.
"""

from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import one_hot, softmax

import lnlbench
from lnlbench.pieces import mixup
from lnlbench.pieces.averaging import move_average
from lnlbench.pieces.early_learning import (
    clamped_probabilities,
    early_learning_penalty,
    moved_targets,
    target_belief,
)
from lnlbench.pieces.ramps import sigmoid_rampup

# Both ramps take 40,000 steps. An epoch has 352 steps, in 250 epochs on CIFAR-100, 200 on CIFAR-10.
RAMPUP_SHARE = 40_000 / (250 * 352)
CIFAR10 = {
    "target_momentum": 0.7,
    "regularization": 3.0,
    "rampup_share": 0.0,
    "weight_labels": False,
    "ema_rampup_share": 40_000 / (200 * 352),
}


def weighted_labels(labels: Tensor, targets: Tensor) -> Tensor:
    """Soft labels [B, C] times the targets, normalized; removes classes that the target denies."""
    weighted = labels * targets
    return weighted / weighted.sum(1, keepdim=True).clamp(min=torch.finfo(weighted.dtype).tiny)


class Learner(NamedTuple):
    """One of the two networks, the average of its weights, and its targets [N, C]."""

    network: nn.Module
    average: nn.Module
    optimizer: torch.optim.Optimizer
    targets: Tensor


class ELRPlus(lnlbench.Method):
    """Two networks on mixed samples, each pulled towards the predictions of the other's average."""

    name = "elr-plus"
    reference = "Liu et al., Early-Learning Regularization, NeurIPS 2020, arxiv.org/abs/2007.00151"
    networks = 2
    recipes = {  # noqa: RUF012 - declared as a ClassVar by the base class
        "cifar10": lnlbench.Recipe(params=CIFAR10, note="The authors' values for CIFAR-10."),
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
        ),
    }

    class Params(lnlbench.Params):
        """Defaults are the authors' values for CIFAR-100."""

        target_momentum: float = Field(
            0.9,
            ge=0,
            lt=1,
            description="Share of a target that remains after an epoch; β in the paper.",
        )
        regularization: float = Field(
            7.0, ge=0, le=1e6, description="Weight of the regularizer; λ in the paper."
        )
        rampup_share: float = Field(
            RAMPUP_SHARE,
            ge=0,
            le=1,
            description="Share of the run in which the regularizer's weight rises.",
        )
        weight_labels: bool = Field(True, description="Multiply labels by the targets.")
        mixup_alpha: float = Field(
            1.0, gt=0, le=1e6, description="Mixing shares are drawn from Beta(alpha, alpha)."
        )
        ema_decay: float = Field(
            0.997,
            ge=0,
            lt=1,
            description="Share of the averaged weights that remains after a step.",
        )
        ema_rampup_share: float = Field(
            RAMPUP_SHARE,
            ge=0,
            le=1,
            description="Share of the run in which ema_decay rises to its value.",
        )

    def fit(self, run: lnlbench.Run) -> None:
        """Train the first network for an epoch, then the second; each teaches the other."""
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
            self._train(run, epoch, first, second.average)
            self._train(run, epoch, second, first.average)

    def _train(self, run: lnlbench.Run, epoch: int, learner: Learner, teacher: nn.Module) -> None:
        """One epoch of one network; its average and its targets follow every step."""
        settings = self.params
        steps = -(-run.num_samples // run.batch_size)
        for step, batch in enumerate(run.batches(views=1), start=1):
            images = batch.views[0]
            with torch.no_grad():
                # The teacher stays in training mode: it uses the statistics of the batch.
                targets = moved_targets(
                    learner.targets[batch.index],
                    softmax(teacher(images), 1),
                    settings.target_momentum,
                )
                learner.targets[batch.index] = targets
            share = mixup.draw_share(settings.mixup_alpha, run.generator)
            partners = mixup.draw_partners(len(images), run.generator, run.device)
            labels = mixup.mix(one_hot(batch.labels, run.num_classes).float(), share, partners)
            targets = mixup.mix(targets, share, partners)
            if settings.weight_labels:
                labels = weighted_labels(labels, targets)
            logits = learner.network(mixup.mix(images, share, partners))
            progress = (epoch + step / steps) / run.max_epochs
            weight = settings.regularization * sigmoid_rampup(progress, settings.rampup_share)
            penalty = early_learning_penalty(targets, clamped_probabilities(logits))
            loss = mixup.soft_cross_entropy(logits, labels) + weight * penalty
            run.step(loss, learner.optimizer)
            decay = settings.ema_decay * sigmoid_rampup(progress, settings.ema_rampup_share)
            move_average(learner.average, learner.network, decay)

    def trained_networks(self) -> list[nn.Module]:
        """Both networks; their averages only teach."""
        return [self.network, self.peer]

    def clean_probability(self) -> Tensor | None:
        """The share of each sample's targets that lies on its given label, mean of both rows."""
        return torch.stack([target_belief(each, self.labels) for each in self.targets]).mean(0)
