"""DivideMix (Li, Socher, Hoi, ICLR 2020): two networks divide the data for each other.

Reference: github.com/LiJunnan1992/DivideMix at d9d3058, Train_cifar.py. Details and
deviations: docs/methods/dividemix.md. `augmentation` adds AugDesc (Nishi et al., CVPR 2021).
"""

from dataclasses import astuple
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lnlbench import Batch, Criterion, Method, Mixture, Recipe, Run, SearchRange
from lnlbench.document import LeftOut
from lnlbench.networks.view_passes import view_logits
from lnlbench.pieces import mixmatch
from lnlbench.pieces.augdesc import AugDescParams, descent_views, query_views
from lnlbench.pieces.dividers import DividerParams, blend_neighborhood, neighborhood_belief
from lnlbench.pieces.mixture import MixtureParams, divide, training_losses
from lnlbench.pieces.ramps import linear_rampup
from lnlbench.pieces.selection import split_by_belief
from lnlbench.pieces.warmup import warmup_length
from lnlbench.seeds import seed_for


def _native(drop: int, epochs: int = 300, batch_size: int = 128) -> dict[str, Any]:
    """The authors' schedule; the learning rate drops to a tenth from epoch `drop` on."""
    return {
        "backbone": "preact-resnet18",
        "epochs": epochs,
        "batch_size": batch_size,
        "optimizer": {"name": "sgd", "lr": 0.02, "momentum": 0.9, "weight_decay": 5e-4},
        "milestones": [drop / epochs],
    }


_WS, _LAMBDA0 = {"augmentation": "ws"}, {"lambda_u": 0.0, "confidence_penalty": 1.0}
_TWELVE = {"warmup_epochs": 12}
_FIRST = {"divider": "embedding", "neighborhood_divisions": "first"}
RECIPES = {
    "matched@digits": Recipe(
        params=_TWELVE, note="12 is best of 6, 12 and 20 on noisy validation (seeds 100, 101)."
    ),
    "augdesc-ws": Recipe(params=_WS, note="matched, with strong views to train on."),
    "augdesc-ws@digits": Recipe(
        params=_WS | _TWELVE, note="matched@digits, with strong views to train on."
    ),
    "divider-embedding": Recipe(params={"divider": "embedding"}, note="Neighborhoods divide."),
    "divider-embedding-first": Recipe(params=_FIRST, note="Neighborhoods divide, then losses."),
    "divider-both": Recipe(params={"divider": "both"}, note="Neighborhoods and losses divide."),
    "linear-probe": Recipe(params={"warmup": "linear-probe"}, note="Classifiers warm up alone."),
    "native": Recipe(
        schedule=_native(drop=150),
        note="The authors' CIFAR-100 schedule; batch 128 is 64 labeled + 64 unlabeled.",
    ),
    "native-drop70": Recipe(schedule=_native(drop=70), note="native, but the rate drops at 70."),
    "native-lambda0": Recipe(
        params=_LAMBDA0,
        schedule=_native(drop=150),
        note="The independent re-run on CIFAR-100N that reports 70.9 % at its best test epoch.",
    ),
    "native-lambda0-drop70": Recipe(
        params=_LAMBDA0, schedule=_native(drop=70), note="native-lambda0, but the rate drops at 70."
    ),
    "native-augdesc-ws": Recipe(
        params={**_WS, "warmup_epochs": 30, "warmup_batch_size": 128},
        schedule=_native(drop=300, epochs=400, batch_size=256),
        note="AugDesc's authors on CIFAR-100 at 20 % noise; from 50 % on, their lambda_u is 150.",
    ),
}


class DivideMix(Method):
    """Two networks divide the data for each other and learn by MixMatch on the division."""

    name = "dividemix"
    reference = "Li, Socher, Hoi, DivideMix, ICLR 2020, arxiv.org/abs/2002.07394"
    networks = 2
    quick_params: ClassVar = {"warmup_epochs": 1}
    recipes = RECIPES

    class Params(AugDescParams, DividerParams, MixtureParams, mixmatch.MixMatchParams):
        """Defaults are the authors' values for CIFAR-100."""

        warmup_epochs: int | None = Field(
            None,
            ge=0,
            description="Epochs of cross-entropy before the first division; by default a tenth "
            "of the run, like the authors' 30 of 300.",
        )
        warmup: Annotated[Literal["cross-entropy", "linear-probe"], LeftOut()] = Field(
            "cross-entropy",
            description="The warm-up trains whole networks (cross-entropy), or the classifiers "
            "of pretrained networks alone (linear-probe).",
        )
        warmup_batch_size: Annotated[int | None, LeftOut()] = Field(
            None,
            ge=2,
            description="Samples in a batch of the warm-up; by default the run's batch size, "
            "which counts labeled and unlabeled ones. AugDesc's authors use half of that.",
        )
        confidence_penalty: float = Field(
            0.0,
            ge=0,
            description="Weight of the negative entropy in the warm-up; the authors use 1 for "
            "asymmetric noise and 0 for symmetric.",
        )
        clean_threshold: Annotated[float, SearchRange(0.2, 0.8)] = Field(
            0.5,
            ge=0,
            lt=1,
            description="Samples whose clean probability is above this are labeled.",
        )
        guess_together: Annotated[bool, LeftOut()] = Field(
            False,
            description="The trained network guesses from all views in one pass. This makes "
            "fewer, larger passes, but batch statistics mix labeled and unlabeled samples.",
        )

    params: Params

    def augmentations(self) -> tuple[str, ...]:
        """The augmentations of the views to train on, to guess from, and to warm up with."""
        strategy = self.params.strategy()
        return (*strategy.views, strategy.warmup)

    def fit(self, run: Run) -> None:
        """Warm up, then divide, refine, guess and mix in every epoch."""
        run.require_views(*self.augmentations())
        self.network, self.peer = run.network(), run.network()
        self.optimizer, self.peer_optimizer = run.optimizer(self.network), run.optimizer(self.peer)
        # Row 0 is the network's own belief, row 1 the peer's; NaN until the first division.
        self.clean_probabilities = torch.full((2, run.num_samples), torch.nan, device=run.device)
        self.loss_history: list[Tensor] = []
        self.fitted: tuple[tuple[float, ...], ...] | None = None
        neighborhood = neighborhood_belief(run, self.params)
        warmup_epochs = warmup_length(self.params.warmup_epochs, 1 / 10, run.max_epochs)
        for epoch in run.epochs():
            if epoch < warmup_epochs:
                self._warm_up(run, self.network, self.optimizer)
                self._warm_up(run, self.peer, self.peer_optimizer)
                continue
            # Both divisions come before either network trains, and each serves the other.
            since_warmup = epoch - warmup_epochs
            first = since_warmup == 0
            if self.params.needs_losses(first):
                self._divide_by_losses(run)
            blend_neighborhood(self.clean_probabilities, neighborhood, self.params, first)
            own, peers = self.clean_probabilities
            self._train(run, self.network, self.peer, self.optimizer, peers, since_warmup)
            self._train(run, self.peer, self.network, self.peer_optimizer, own, since_warmup)

    def _warm_up(self, run: Run, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        network.train()
        size, augment = self.params.warmup_batch_size, self.params.strategy().warmup
        learner, batches = network, run.batches(views=1, augment=augment, batch_size=size)
        if self.params.warmup == "linear-probe":
            learner, batches = run.probe(network)
        for batch in batches:
            logits = learner(batch.views[0])
            loss = cross_entropy(logits, batch.labels)
            if self.params.confidence_penalty:
                loss = loss + self.params.confidence_penalty * mixmatch.confidence_penalty(logits)
            run.step(loss, optimizer)

    def _divide_by_losses(self, run: Run) -> None:
        """Co-divide: fit a mixture to each network's losses on the unaugmented samples."""
        losses = torch.stack([training_losses(run, each) for each in (self.network, self.peer)])
        self.loss_history = [*self.loss_history, losses][-self.params.loss_history :]
        averaged = torch.stack(self.loss_history).mean(0)
        for row in range(2):
            seed = seed_for(int(torch.randint(2**62, (), generator=run.generator)), row)
            division = divide(averaged[row], seed, self.params)
            self.clean_probabilities[row] = division.clean_probability
            if row == 0:
                self.fitted = None if division.mixture is None else astuple(division.mixture)
            if division.event:
                run.event("mixture", division.event)

    def _train(
        self,
        run: Run,
        network: nn.Module,
        peer: nn.Module,
        optimizer: torch.optim.Optimizer,
        belief: Tensor,
        since_warmup: int,
    ) -> None:
        """One epoch of one network on the peer's belief; its length follows the labeled set."""
        # The trained network guesses in train mode, its peer in eval mode: as the authors run it.
        network.train()
        peer.eval()
        division = split_by_belief(run, belief, self.params.clean_threshold)
        views = self.params.strategy().views
        for batch, other, time in mixmatch.paired_batches(run, *division, views):
            ramp = linear_rampup(since_warmup + time, self.params.rampup_epochs)
            loss = self._loss(run, network, peer, batch, other, belief[batch.index], ramp)
            run.step(loss, optimizer)

    def _loss(
        self,
        run: Run,
        network: nn.Module,
        peer: nn.Module,
        batch: Batch,
        other: Batch | None,
        belief: Tensor,
        ramp: float,
    ) -> Tensor:
        """MixMatch on one labeled batch and an unlabeled one (`other`; None if there is none)."""
        temperature = self.params.temperature
        with torch.no_grad():
            unlabeled_views = [] if other is None else query_views(other)
            # Batch statistics are part of the method: each view passes alone, unless told so.
            views = [*unlabeled_views, *query_views(batch)]
            own = view_logits(network, views, self.params.guess_together)
            guessed: list[Tensor] = []
            if unlabeled_views:
                # In eval mode no sample knows of the others: one pass serves both views.
                peers = peer(torch.cat(unlabeled_views)).chunk(2)
                average, theirs = (mixmatch.mean_probabilities(each) for each in (own[:2], peers))
                guessed = [mixmatch.co_guess(average, theirs, temperature)] * 2
            average = mixmatch.mean_probabilities(own[-2:])
            refined = mixmatch.co_refine(batch.labels, belief, average, temperature)
            learned = [*descent_views(batch), *(descent_views(other) if other else [])]
            inputs, targets = torch.cat(learned), torch.cat([refined, refined, *guessed])
        num_labeled = 2 * len(batch.index)
        return mixmatch.training_loss(run, network, inputs, targets, num_labeled, self.params, ramp)

    def clean_threshold(self) -> float:
        """The parameter of the same name."""
        return float(self.params.clean_threshold)

    def clean_probability(self) -> Tensor | None:
        """The mean of both networks' beliefs; None before the first division."""
        if not hasattr(self, "clean_probabilities"):
            return None
        belief = self.clean_probabilities.mean(0)
        return None if belief.isnan().any() else belief

    def criterion(self) -> Criterion | None:
        """The averaged losses that the first network was last divided by, and their mixture."""
        if not self.loss_history:
            return None
        losses = torch.stack(self.loss_history).mean(0)[0]
        mixture = None if self.fitted is None else Mixture(*self.fitted)
        return Criterion("normalized loss of the first network", losses, mixture=mixture)
