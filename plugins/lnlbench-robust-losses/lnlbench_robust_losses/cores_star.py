"""CORES* (Cheng et al., ICLR 2021): a second network, consistent on what the sieve has dropped.

Reference: github.com/UCSC-REAL/cores at cf0945e, phase1.py and phase2/phase2.py, which follows
github.com/ildoonet/unsupervised-data-augmentation. Details and deviations: docs/cores-star.md.
"""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, kl_div, log_softmax, softmax

import lnlbench
from lnlbench.pieces.mixmatch import endless_batches
from lnlbench.pieces.ramps import linear_rampup
from lnlbench.pieces.selection import split_by_belief
from lnlbench_robust_losses.clipping import clip_gradients
from lnlbench_robust_losses.cores import Cores

# The authors list the dropped samples in their epoch 40, the 41st of 100.
SIEVE_SHARE = 41 / 100


def consistency(plain: Tensor, augmented: Tensor) -> Tensor:
    """Divergence of predictions for augmented views [B, C] from those for plain ones, mean over B.

    The plain views get no gradient.
    """
    return kl_div(log_softmax(augmented, 1), softmax(plain, 1).detach(), reduction="batchmean")


class CoresStar(Cores):
    """The samples that pass the sieve of CORES teach a new network, the others by consistency."""

    name = "cores-star"
    quick_params: ClassVar = {"warmup_epochs": 0, "sieve_epochs": 1}
    recipes = {  # noqa: RUF012 - declared as a ClassVar by the base class
        "weak": lnlbench.Recipe(
            params={"augmentation": "weak"},
            note="For tracks that have no strong views, such as frozen embeddings.",
        ),
        "native": lnlbench.Recipe(
            params={"sieve_epochs": 41, "sieve_lr": 0.1, "sieve_batch_size": 64},
            schedule={
                "backbone": "resnet34",
                "epochs": 1641,
                "batch_size": 320,
                "optimizer": {
                    "name": "sgd",
                    "lr": 0.3,
                    "momentum": 0.9,
                    "weight_decay": 5e-4,
                    "nesterov": True,
                },
                "milestones": [],
                "cosine_to": 0.0,
            },
            note="Both of the authors' phases on CIFAR-10; they have no settings for CIFAR-100.",
        ),
    }

    class Params(Cores.Params):
        """Defaults are the authors' values for 40 % noise on CIFAR-10, the middle of theirs."""

        sieve_epochs: int | None = Field(
            None,
            ge=1,
            le=100_000,
            description="Epochs of CORES before the second network begins; by default 41 "
            "hundredths of the run.",
        )
        sieve_lr: float | None = Field(
            None,
            gt=0,
            le=10,
            description="Learning rate of plain SGD in these epochs; by default they have the "
            "track's optimizer.",
        )
        sieve_batch_size: int | None = Field(
            None,
            ge=2,
            le=100_000,
            description="Batch size in these epochs; by default the track's.",
        )
        consistency_weight: float = Field(
            0.4, ge=0, le=1e6, description="Weight of the consistency on dropped samples."
        )
        dropped_per_kept: float = Field(
            0.5, gt=0, le=100, description="Dropped samples in a step for each kept one."
        )
        lr_warmup_share: float = Field(
            120 / 1600,
            ge=0,
            le=1,
            description="Share of the second network's epochs in which its learning rate rises.",
        )
        longest_gradient: float = Field(
            5.0, gt=0, le=1e6, description="Longer gradients of the second network are scaled down."
        )
        augmentation: Literal["strong", "weak"] = Field(
            "strong", description="Views of kept samples, and those that consistency compares."
        )

    def augmentations(self) -> tuple[str, ...]:
        """The augmentation of the second network's views."""
        return (self.params.augmentation,)

    def plan_epochs(self, run: lnlbench.Run) -> int:
        """The plan of CORES ends after the sieve, at 41 hundredths of it."""
        return round(self._sieve_epochs(run) / SIEVE_SHARE)

    def _sieve_epochs(self, run: lnlbench.Run) -> int:
        given = self.params.sieve_epochs
        return max(1, round(SIEVE_SHARE * run.max_epochs)) if given is None else given

    def fit(self, run: lnlbench.Run) -> None:
        """Drop samples by CORES; then train a new network on both sets."""
        run.require_views(*self.augmentations())
        params = self.params
        sieve_epochs = self._sieve_epochs(run)
        self.network, self.second = run.network(), run.network()
        plain = torch.optim.SGD(self.network.parameters(), lr=params.sieve_lr or 0.0)
        given = params.sieve_lr is not None
        self.optimizer = run.follow_schedule(plain) if given else run.optimizer(self.network)
        self.second_optimizer = run.optimizer(self.second, begin=sieve_epochs)
        clip_gradients(self.second_optimizer, params.longest_gradient)
        self.sieving = True
        self.begin(run)
        for epoch in run.epochs():
            self.sieving = epoch < sieve_epochs
            if self.sieving:
                self.begin_epoch(run, epoch)
                for batch in run.batches(views=1, batch_size=params.sieve_batch_size):
                    run.step(self.loss(self.network, batch, epoch), self.optimizer)
                self.end_epoch(run, epoch)
            else:
                self._train(run, epoch - sieve_epochs, run.max_epochs - sieve_epochs)

    def _train(self, run: lnlbench.Run, since: int, epochs: int) -> None:
        """One pass over the kept samples, with dropped ones beside them."""
        params, strong = self.params, self.params.augmentation
        kept, dropped = split_by_belief(run, self.kept.float(), threshold=0.5)
        size = max(2, round(params.dropped_per_kept * run.batch_size))
        others = endless_batches(run, dropped, size, ("weak", strong))
        rates = [group["lr"] for group in self.second_optimizer.param_groups]
        steps = -(-len(kept) // run.batch_size)
        for step, batch in enumerate(run.batches(kept, augment=(strong,)), start=1):
            share = linear_rampup(since + step / steps, params.lr_warmup_share * epochs)
            for group, rate in zip(self.second_optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * share
            run.step(self._loss(batch, next(others, None)), self.second_optimizer)

    def _loss(self, batch: lnlbench.Batch, other: lnlbench.Batch | None) -> Tensor:
        """Cross-entropy of kept samples and consistency of dropped ones, in one pass."""
        views = [*batch.views, *(other.views if other is not None else [])]
        logits = self.second(torch.cat(views)).split([len(view) for view in views])
        loss = cross_entropy(logits[0], batch.labels)
        if other is not None:
            loss = loss + self.params.consistency_weight * consistency(*logits[1:])
        return loss

    def trained_networks(self) -> list[nn.Module]:
        """The network of the phase that is running."""
        return [self.network if self.sieving else self.second]
