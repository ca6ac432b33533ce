"""SSR (Feng, Tzimiropoulos, Patras, BMVC 2022): sample selection and relabeling with one network.

Reference: github.com/MrChenFeng/SSR_BMVC2022 at 849530d, main_cifar.py and utils/. Details and
deviations: docs/ssr.md.
"""

import math
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, one_hot, softmax

import lnlbench
from lnlbench.pieces import mixup
from lnlbench.pieces.mixmatch import endless_batches
from lnlbench.pieces.neighbors import nearest, to_units, vote_belief
from lnlbench.pieces.selection import record_selection

HIDDEN, PROJECTED = 256, 128
RECIPES = {
    "without-consistency": lnlbench.Recipe(
        params={"consistency_weight": 0.0},
        note="SSR in the authors' tables; the default is their SSR+.",
    ),
    "weak": lnlbench.Recipe(
        params={"augmentation": "weak"},
        note="For tracks that have no strong views, such as frozen embeddings.",
    ),
    "native": lnlbench.Recipe(
        schedule={
            "backbone": "preact-resnet18",
            "epochs": 300,
            "batch_size": 128,
            "optimizer": {"name": "sgd", "lr": 0.02, "momentum": 0.9, "weight_decay": 5e-4},
            "milestones": [],
            "cosine_to": 0.02,
        },
        note="The authors' CIFAR schedule: a cosine from 0.02 to 0.0004.",
    ),
}


def relabeled(labels: Tensor, probabilities: Tensor, threshold: float) -> Tensor:
    """The class of predictions [N, C] that are above `threshold`, and the given label elsewhere."""
    confidence, predicted = probabilities.max(1)
    return torch.where(confidence > threshold, predicted, labels)


def balanced_shares(neighbors: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """Class shares float32 [N, C] of the neighbors, int64 [N, k], each of which has one vote.

    The votes for a class count in inverse proportion to how many samples have its label.
    """
    votes = torch.zeros(len(neighbors), num_classes, device=labels.device)
    votes.scatter_add_(1, labels[neighbors], torch.ones_like(votes[:, :1]).expand_as(neighbors))
    frequency = labels.bincount(minlength=num_classes).clamp(min=1)
    votes = votes / frequency
    return votes / votes.sum(1, keepdim=True)


def votes_against_best(shares: Tensor, labels: Tensor) -> Tensor:
    """The share of each label against the largest share in its row, in [0, 1], float32 [N]."""
    return shares.gather(1, labels.unsqueeze(1)).squeeze(1) / shares.amax(1)


def balanced_indices(selected: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    """Indices of the `selected` samples, int64 [M], such that all their classes are equally large.

    Each class is repeated until it is as large as the largest; which of its samples are repeated
    once more than others is drawn anew in every call.
    """
    largest = int(labels[selected].bincount().max())
    places = torch.arange(largest, device=selected.device)
    parts = []
    for label in labels[selected].unique():
        members = selected[labels[selected] == label]
        order = torch.randperm(len(members), generator=generator).to(selected.device)
        parts.append(members[order[places % len(members)]])
    return torch.cat(parts)


def head(inputs: int) -> nn.Module:
    """A projection or prediction head: features [B, inputs] to [B, 128], with 256 hidden units."""
    hidden = [nn.Linear(inputs, HIDDEN), nn.BatchNorm1d(HIDDEN), nn.ReLU()]
    return nn.Sequential(*hidden, nn.Linear(HIDDEN, PROJECTED))


def consistency_loss(predicted: Tensor, projected: Tensor) -> Tensor:
    """Negative cosine similarity [B, D] with projections that get no gradient, mean over B."""
    return -cosine_similarity(predicted, projected.detach(), dim=1).mean()


class SSR(lnlbench.Method):
    """One network relabels what it is sure of and learns the labels that their neighbors share."""

    name = "ssr"
    reference = (
        "Feng, Tzimiropoulos, Patras, SSR: An Efficient and Robust Framework for Learning with "
        "Unknown Label Noise, BMVC 2022, arxiv.org/abs/2111.11288"
    )
    recipes = RECIPES

    class Params(lnlbench.Params):
        """Defaults are those of the authors' program."""

        relabel_threshold: float = Field(
            0.9,
            ge=0,
            le=1,
            description="A sample gets the predicted class if its probability is above this; the "
            "authors' theta_r.",
        )
        selection_threshold: float = Field(
            1.0,
            gt=0,
            le=1,
            description="A label is selected if its votes, against those for the best class, reach "
            "this; the authors' theta_s.",
        )
        neighbors: int | None = Field(
            None,
            ge=1,
            le=10_000,
            description="Samples that vote on a label, itself among them; by default the authors' "
            "200, or half a class's mean size if that is smaller.",
        )
        consistency_weight: float = Field(
            1.0,
            ge=0,
            le=1e6,
            description="Weight of the consistency of features between two views.",
        )
        mixup_alpha: float = Field(
            4.0, gt=0, le=1e6, description="Mixing shares are drawn from Beta(alpha, alpha)."
        )
        augmentation: Literal["strong", "weak"] = Field(
            "strong", description="Views that are learned and that have to agree with weak views."
        )

    def augmentations(self) -> tuple[str, ...]:
        """The augmentations of the views that are learned."""
        return (self.params.augmentation,)

    def fit(self, run: lnlbench.Run) -> None:
        """Select and relabel at the start of every epoch, from the first one on."""
        run.require_views(*self.augmentations())
        self.network = run.network()
        features = self.network.classifier.in_features
        self.heads = run.helper(nn.ModuleList([head(features), head(PROJECTED)]))
        self.optimizer, self.head_optimizer = (
            run.optimizer(self.network),
            run.optimizer(self.heads),
        )
        self.ratio: Tensor | None = None
        self.belief: Tensor | None = None
        for _ in run.epochs():
            labels, selected = self._select(run)
            self._train(run, labels, selected)

    @torch.no_grad()
    def _select(self, run: lnlbench.Run) -> tuple[Tensor, Tensor]:
        """The labels after relabeling, int64 [N], and the indices of the selected samples."""
        probabilities, features = self._look(run)
        labels = relabeled(run.labels, probabilities, self.params.relabel_threshold)
        count = self.params.neighbors or min(200, max(1, run.num_samples // (2 * run.num_classes)))
        found = nearest(features, features, count)
        shares = balanced_shares(found.index, labels, run.num_classes)
        ratio = votes_against_best(shares, labels)
        selected = ratio >= self.params.selection_threshold
        if selected.sum() < 2:
            run.event("empty selection", "no two samples were selected: using all of them")
            selected[:] = True
        kept = labels == run.labels
        record_selection(run, selected, "selected")
        run.log(relabeled_share=1 - kept.float().mean())
        self.ratio = votes_against_best(shares, run.labels)
        self.belief = vote_belief(shares, run.labels) * kept
        return labels, selected.nonzero().squeeze(1)

    def _look(self, run: lnlbench.Run) -> tuple[Tensor, Tensor]:
        """Probabilities float32 [N, C] and unit features float16 [N, D] of weak views."""
        self.network.eval()
        probabilities, features = [], []
        for batch in run.batches(views=1, augment="weak", shuffle=False):
            logits, found = self.network.with_features(batch.views[0])
            probabilities.append(softmax(logits, 1))
            features.append(to_units(found))
        self.network.train()
        return torch.cat(probabilities), torch.cat(features)

    def _train(self, run: lnlbench.Run, labels: Tensor, selected: Tensor) -> None:
        """One pass over all samples; the selected ones start anew as often as they are needed."""
        strong = self.params.augmentation
        balanced = balanced_indices(selected, labels, run.generator)
        learned = endless_batches(run, balanced, run.batch_size, (strong, strong))
        for batch in run.batches(augment=("weak", strong)):
            chosen = next(learned)
            loss = self._mixup_loss(run, chosen.views, labels[chosen.index])
            weak, other = batch.views
            project, predict = self.heads
            with torch.no_grad():  # the authors' stop-gradient; batch statistics move all the same
                target = project(self.network.with_features(weak)[1])
            predicted = predict(project(self.network.with_features(other)[1]))
            loss = loss + self.params.consistency_weight * consistency_loss(predicted, target)
            run.step(loss, self.optimizer, self.head_optimizer)

    def _mixup_loss(self, run: lnlbench.Run, views: list[Tensor], labels: Tensor) -> Tensor:
        """Cross-entropy of both views, mixed freely, with the labels mixed in the same way."""
        images = torch.cat(views)
        targets = one_hot(labels, run.num_classes).to(images.dtype).repeat(len(views), 1)
        share = mixup.draw_share(self.params.mixup_alpha, run.generator)
        partners = mixup.draw_partners(len(images), run.generator, run.device)
        logits = self.network(mixup.mix(images, share, partners))
        return mixup.soft_cross_entropy(logits, mixup.mix(targets, share, partners))

    def clean_probability(self) -> Tensor | None:
        """The votes for the given label against the best other class; 0 where it was replaced."""
        return self.belief

    def clean_threshold(self) -> float:
        """The belief from which on a label is selected; selection includes the threshold itself."""
        threshold = self.params.selection_threshold
        return math.nextafter(threshold / (1 + threshold), 0)

    def criterion(self) -> lnlbench.Criterion | None:
        """What selection compares with its threshold, for the given labels."""
        if self.ratio is None:
            return None
        threshold = self.params.selection_threshold
        return lnlbench.Criterion("votes against the best class", self.ratio, threshold=threshold)
