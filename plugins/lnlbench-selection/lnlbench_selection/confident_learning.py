"""Confident learning (Northcutt, Jiang, Chuang, JAIR 2021): prune by out-of-sample probabilities.

Written from the paper, arxiv.org/abs/1911.00068; the package cleanlab, which its authors began, is
what it is tested against. Details and deviations: docs/confident-learning.md.
"""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softmax

import lnlbench
from lnlbench.pieces.selection import split_by_belief
from lnlbench.pieces.warmup import warmup_length
from lnlbench_selection.confident_joint import calibrated_joint, kept_on_diagonal, wrong_labels

VALIDATION_SHARE = 1 / 2
# No class weighs more than this many times a class without wrong labels.
LARGEST_WEIGHT = 1000.0


def stratified_folds(labels: Tensor, folds: int, generator: torch.Generator) -> Tensor:
    """A fold for each sample, int64 [N]; each fold has its share of every given label, within 1."""
    shuffled = torch.randperm(len(labels), generator=generator)
    by_label = shuffled[labels.cpu()[shuffled].argsort(stable=True)]
    fold = torch.empty_like(by_label)
    fold[by_label] = torch.arange(len(labels)) % folds
    return fold.to(labels.device)


def class_weights(joint: Tensor) -> Tensor:
    """What a kept sample of each class weighs, [C]: 1 / P(given label | the true label is that)."""
    right = joint.diagonal().double() / joint.sum(0).clamp(min=1)
    return (1 / right.clamp(min=1 / LARGEST_WEIGHT)).float()


class ConfidentLearning(lnlbench.Method):
    """Cross-validated networks find wrong labels; another network learns from the rest."""

    name = "confident-learning"
    reference = (
        "Northcutt, Jiang, Chuang, Confident Learning: Estimating Uncertainty in Dataset Labels, "
        "JAIR 2021, arxiv.org/abs/1911.00068"
    )
    quick_params: ClassVar = {"validation_epochs": 1}

    class Params(lnlbench.Params):
        """Defaults are those of the authors' package."""

        folds: int = Field(
            5, ge=2, le=100, description="Folds of the cross-validation, each with a network."
        )
        validation_epochs: int | None = Field(
            None,
            ge=1,
            le=100_000,
            description="Epochs of the cross-validation; by default half of the run.",
        )
        prune: Literal["by-noise-rate", "by-class", "both", "confident-joint"] = Field(
            "by-noise-rate", description="The paper's rule for which labels are taken for wrong."
        )
        reweight: bool = Field(
            True, description="Weigh each class by how many of its samples were pruned."
        )

    def fit(self, run: lnlbench.Run) -> None:
        """Train a network for each fold without it; prune; train another network on the rest."""
        params = self.params
        validation_epochs = warmup_length(
            params.validation_epochs, VALIDATION_SHARE, run.max_epochs
        )
        self.fold = stratified_folds(run.labels, params.folds, run.generator)
        self.validators = [run.network() for _ in range(params.folds)]
        self.validator_optimizers = [run.optimizer(each) for each in self.validators]
        self.network = run.network()
        self.optimizer = run.optimizer(self.network, begin=validation_epochs)
        self.belief: Tensor | None = None
        self.weights: Tensor | None = None
        for epoch in run.epochs():
            if epoch < validation_epochs:
                self._cross_validate(run)
                continue
            if self.belief is None:
                self._prune(run)
            kept, _ = split_by_belief(run, self.belief, threshold=0.5)
            for batch in run.batches(kept, views=1):
                logits = self.network(batch.views[0])
                loss = cross_entropy(logits, batch.labels, weight=self.weights)
                run.step(loss, self.optimizer)

    def _cross_validate(self, run: lnlbench.Run) -> None:
        """One epoch of every fold's network, on the other folds."""
        pairs = zip(self.validators, self.validator_optimizers, strict=True)
        for fold, (network, optimizer) in enumerate(pairs):
            for batch in run.batches(self.fold != fold, views=1):
                run.step(cross_entropy(network(batch.views[0]), batch.labels), optimizer)

    def _prune(self, run: lnlbench.Run) -> None:
        """Find wrong labels by each sample's probabilities from the network that never saw it."""
        parts = [softmax(run.logits(network), 1) for network in self.validators]
        samples = torch.arange(run.num_samples, device=run.device)
        probabilities = torch.stack(parts)[self.fold, samples].double().cpu()
        labels = run.labels.cpu()
        wrong = wrong_labels(probabilities, labels, self.params.prune)
        own = probabilities.gather(1, labels.unsqueeze(1)).squeeze(1)
        self.belief = (((~wrong) + own) / 2).clamp(0, 1).float().to(run.device)
        joint = kept_on_diagonal(calibrated_joint(probabilities, labels))
        weights = class_weights(joint) if self.params.reweight else torch.ones(run.num_classes)
        self.weights = weights.to(run.device)
        run.log(estimated_noise_rate=1 - joint.diagonal().sum() / joint.sum())

    def trained_networks(self) -> list[nn.Module]:
        """The network of the second phase; before that, the one of the first fold."""
        return [self.validators[0] if self.belief is None else self.network]

    def clean_probability(self) -> Tensor | None:
        """Above 1/2 for kept samples, in the order of the given label's probability."""
        return self.belief
