"""UNICON (Karim et al., CVPR 2022): the same share of every class is selected, by two networks.

Reference: github.com/nazmul-karim170/UNICON-Noisy-Label at 616dc49, Train_cifar.py,
dataloader_cifar.py and Contrastive_loss.py. Details and deviations: docs/unicon.md.
"""

import math
from typing import Annotated, ClassVar, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize, one_hot

import lnlbench
from lnlbench.pieces import mixmatch
from lnlbench.pieces.augdesc import descent_views, query_views
from lnlbench.pieces.ramps import linear_rampup
from lnlbench.pieces.selection import split_by_belief
from lnlbench.pieces.warmup import warmup_length
from lnlbench_selection.class_balance import smallest_of_each_class

VIEWS = ("strong", "strong", "weak", "weak")
PROJECTED = 128
# Added to probabilities before a logarithm, in the authors' code.
FLOOR = 1e-10
# The authors warm up for 30 of 350 epochs on CIFAR-100.
WARMUP_SHARE = 30 / 350


def divergences(probabilities: Tensor, labels: Tensor) -> Tensor:
    """Jensen-Shannon divergence of predictions [N, C] and labels [N], in [0, ln 2], [N]."""
    given = one_hot(labels, probabilities.shape[1]).to(probabilities.dtype)
    middle = (probabilities + given) / 2

    def from_middle(distribution: Tensor) -> Tensor:
        ratio = (distribution + FLOOR) / (middle + FLOOR)
        return (distribution * ratio.log()).sum(1)

    return (from_middle(probabilities) + from_middle(given)) / 2


def selected_uniformly(values: Tensor, labels: Tensor, num_classes: int, share: float) -> Tensor:
    """The samples of smallest `values` [N], of each class `share` * N / C or one, bool [N]."""
    quota = max(1, int(share * len(values) / num_classes))
    return smallest_of_each_class(values, labels, quota)


def label_weight(values: Tensor, certain_below: float) -> Tensor:
    """What a label weighs against the prediction when it is refined: 1 - divergence, or 1 [N]."""
    return torch.where(values < certain_below, 1.0, 1 - values)


def contrastive_loss(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """Each projected view has to find the other view of its sample among all views (SimCLR).

    `first` and `second` [B, D] are projections of two views of the same samples.
    """
    views = normalize(torch.cat([first, second]), dim=1)
    similarity = (views @ views.T / temperature).fill_diagonal_(-torch.inf)
    partners = torch.arange(len(views), device=views.device).roll(len(first))
    return cross_entropy(similarity, partners)


class Learner(NamedTuple):
    """One of the two networks, its projection head, and their optimizers."""

    network: nn.Module
    head: nn.Module
    optimizers: tuple[torch.optim.Optimizer, torch.optim.Optimizer]


class UNICON(lnlbench.Method):
    """Both networks select as many samples of each class, and contrast the others' views."""

    name = "unicon"
    reference = (
        "Karim et al., UNICON: Combating Label Noise Through Uniform Selection and Contrastive "
        "Learning, CVPR 2022, arxiv.org/abs/2203.14542"
    )
    networks = 2
    quick_params: ClassVar = {"warmup_epochs": 1}
    recipes = {  # noqa: RUF012 - declared as a ClassVar by the base class
        "native": lnlbench.Recipe(
            schedule={
                "backbone": "preact-resnet18",
                "epochs": 350,
                "batch_size": 128,
                "optimizer": {"name": "sgd", "lr": 0.02, "momentum": 0.9, "weight_decay": 5e-4},
                "milestones": [],
                "cosine_to": 0.01,
            },
            note="The authors' CIFAR schedule, but its cosine reaches its end with the run, "
            "not at epoch 280; batch 128 is 64 labeled samples and about as many others.",
        ),
    }

    class Params(mixmatch.MixMatchParams):
        """Defaults are the authors' values for CIFAR-100."""

        lambda_u: Annotated[float, lnlbench.SearchRange(0.0, 150.0)] = Field(
            30.0, ge=0, description="Weight of the unlabeled loss after its ramp-up."
        )
        contrast_weight: float = Field(
            0.025, ge=0, le=1e6, description="Weight of the contrastive loss; the paper's lambda_c."
        )
        contrast_temperature: float = Field(
            0.05, ge=0.01, le=10, description="Temperature of the contrastive loss."
        )
        certain_below: float = Field(
            0.5,
            ge=0,
            le=1,
            description="A selected label of smaller divergence is not refined by predictions; "
            "divergences are between 0 and ln 2 = 0.69.",
        )
        warmup_epochs: int | None = Field(
            None,
            ge=0,
            le=100_000,
            description="Epochs of cross-entropy before the first selection; by default the "
            "authors' 30 of 350, as a share of the run.",
        )
        confidence_penalty: float = Field(
            0.0,
            ge=0,
            le=1e6,
            description="Weight of the negative entropy in the warm-up; the authors use 1 for "
            "asymmetric noise and 0 for symmetric.",
        )

    def augmentations(self) -> tuple[str, ...]:
        """The augmentations of the two views to train on, and of the two to guess from."""
        return VIEWS

    def fit(self, run: lnlbench.Run) -> None:
        """Warm up; then select anew before either network trains for an epoch."""
        run.require_views(*self.augmentations())
        self.network, self.peer = run.network(), run.network()
        self.head, self.peer_head = self._head(run), self._head(run)
        self.optimizers = [
            run.optimizer(part) for part in (self.network, self.head, self.peer, self.peer_head)
        ]
        own, own_head, peers, peer_head = self.optimizers
        first = Learner(self.network, self.head, (own, own_head))
        second = Learner(self.peer, self.peer_head, (peers, peer_head))
        self.values: Tensor | None = None
        self.belief: Tensor | None = None
        warmup_epochs = warmup_length(self.params.warmup_epochs, WARMUP_SHARE, run.max_epochs)
        for epoch in run.epochs():
            for learner, other in ((first, second), (second, first)):
                if epoch < warmup_epochs:
                    self._warm_up(run, learner)
                else:
                    self._train(run, learner, other.network, epoch - warmup_epochs)

    def _head(self, run: lnlbench.Run) -> nn.Module:
        """The projection head of one network, which takes no part in predictions."""
        features = self.network.classifier.in_features
        return run.helper(nn.Sequential(nn.Linear(features, PROJECTED), nn.BatchNorm1d(PROJECTED)))

    def _warm_up(self, run: lnlbench.Run, learner: Learner) -> None:
        learner.network.train()
        weight = self.params.confidence_penalty
        for batch in run.batches(views=1):
            logits = learner.network(batch.views[0])
            loss = cross_entropy(logits, batch.labels)
            loss = loss + weight * mixmatch.confidence_penalty(logits)
            run.step(loss, learner.optimizers[0])

    def _select(self, run: lnlbench.Run) -> tuple[Tensor, Tensor, float]:
        """Indices of the labeled and of the unlabeled samples, and the share that was selected."""
        probabilities = mixmatch.mean_probabilities(
            [run.logits(network) for network in (self.network, self.peer)]
        )
        values = divergences(probabilities, run.labels)
        share = (values < values.mean()).double().mean().item()
        selected = selected_uniformly(values, run.labels, run.num_classes, share)
        agreement = (1 - values / math.log(2)).clamp(1e-6, 1)
        self.values, self.belief = values, (selected + agreement) / 2
        return *split_by_belief(run, self.belief, threshold=0.5), share

    def _train(
        self, run: lnlbench.Run, learner: Learner, peer: nn.Module, since_warmup: int
    ) -> None:
        """One epoch of one network, as long as its labeled set."""
        labeled, unlabeled, share = self._select(run)
        weights = label_weight(self.values, self.params.certain_below)
        learner.network.train()
        peer.eval()
        # The authors pair labeled samples with more unlabeled ones where few were selected.
        size = max(2, int(mixmatch.half_batch(run) / max(2 * share, 1 / run.num_samples)))
        for batch, other, time in mixmatch.paired_batches(run, labeled, unlabeled, VIEWS, size):
            ramp = linear_rampup(since_warmup + time, self.params.rampup_epochs)
            loss = self._loss(run, learner, peer, batch, other, weights[batch.index], ramp)
            run.step(loss, *learner.optimizers)

    def _loss(
        self,
        run: lnlbench.Run,
        learner: Learner,
        peer: nn.Module,
        batch: lnlbench.Batch,
        other: lnlbench.Batch | None,
        weights: Tensor,
        ramp: float,
    ) -> Tensor:
        """MixMatch on a labeled batch and an unlabeled one, and contrast of the latter's views."""
        temperature, guessed = self.params.temperature, []
        with torch.no_grad():
            if other is not None:
                views = query_views(other)
                own, theirs = (
                    mixmatch.mean_probabilities([network(view) for view in views])
                    for network in (learner.network, peer)
                )
                guessed = [mixmatch.co_guess(own, theirs, temperature)] * 2
            own = mixmatch.mean_probabilities(
                [learner.network(view) for view in query_views(batch)]
            )
            refined = mixmatch.co_refine(batch.labels, weights, own, temperature)
        contrast = self._contrast(learner, descent_views(other)) if other is not None else 0.0
        images = torch.cat([*descent_views(batch), *(descent_views(other) if other else [])])
        targets = torch.cat([refined, refined, *guessed])
        learned = (images, targets, 2 * len(batch.index))
        loss = mixmatch.training_loss(run, learner.network, *learned, self.params, ramp)
        return loss + self.params.contrast_weight * contrast

    def _contrast(self, learner: Learner, views: list[Tensor]) -> Tensor:
        """The contrastive loss of two unmixed strong views, which pass one after the other."""
        first, second = (learner.head(learner.network.with_features(view)[1]) for view in views)
        return contrastive_loss(first, second, self.params.contrast_temperature)

    def clean_probability(self) -> Tensor | None:
        """Agreement of prediction and label; above 1/2 for the samples that were last selected."""
        return self.belief

    def criterion(self) -> lnlbench.Criterion | None:
        """The divergences; the share of values below their mean is selected in every class."""
        if self.values is None:
            return None
        mean = self.values.mean().item()
        return lnlbench.Criterion("divergence of label and prediction", self.values, threshold=mean)
