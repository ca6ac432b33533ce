"""DivideMix (Li, Socher, Hoi, ICLR 2020), as its authors' code runs it.

Followed: github.com/LiJunnan1992/DivideMix at d9d3058, Train_cifar.py. The method's page,
docs/methods/dividemix.md, lists the details that matter and every deviation. AugDesc (Nishi et al.,
CVPR 2021) is its parameter `augmentation`.
"""

from collections.abc import Sequence
from dataclasses import astuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softmax

from lnlbench.interface.batch import Batch
from lnlbench.interface.criterion import Criterion, Mixture
from lnlbench.interface.method import Method
from lnlbench.interface.run import Run
from lnlbench.methods.dividemix_settings import RECIPES, DivideMixParams
from lnlbench.networks.view_passes import view_logits
from lnlbench.pieces import mixmatch
from lnlbench.pieces.augdesc import descent_views, query_views
from lnlbench.pieces.mixture import divide, normalize_losses
from lnlbench.pieces.neighbors import divide_by_neighbors
from lnlbench.seeds import seed_for


class DivideMix(Method):
    """Two networks divide the data for each other and learn by MixMatch on the division."""

    name = "dividemix"
    reference = "Li, Socher, Hoi, DivideMix, ICLR 2020, arxiv.org/abs/2002.07394"
    networks = 2

    class Params(DivideMixParams):
        """Defaults are the authors' values for CIFAR-100."""

    params: Params
    recipes = RECIPES

    def augmentations(self) -> tuple[str, ...]:
        """Of the views to train on and to guess labels by, and of the warm-up."""
        strategy = self.params.strategy()
        return (*strategy.views, strategy.warmup)

    def fit(self, run: Run) -> None:
        """Warm up, then divide, refine, guess and mix in every epoch."""
        run.require_views(*self.augmentations())
        self.network, self.peer = run.network(), run.network()
        self.optimizer = run.optimizer(self.network)
        self.peer_optimizer = run.optimizer(self.peer)
        # Row 0 is the network's own belief, row 1 the peer's; NaN until the first division.
        self.clean_probabilities = torch.full((2, run.num_samples), torch.nan, device=run.device)
        self.loss_history: list[Tensor] = []
        # Of the network's last division, as plain values that a checkpoint can hold.
        self.fitted: tuple[tuple[float, ...], ...] | None = None
        neighborhood: Tensor | None = None
        if self.params.divider != "loss":
            neighborhood = divide_by_neighbors(run, self.params.neighbors, passes=1)
        warmup_epochs = self._warmup_epochs(run)
        for epoch in run.epochs():
            if epoch < warmup_epochs:
                self._warm_up(run, self.network, self.optimizer)
                self._warm_up(run, self.peer, self.peer_optimizer)
            else:
                # Both divisions come before either network trains, and each serves the other.
                first_alone = self.params.neighborhood_divisions == "first"
                if neighborhood is None or (first_alone and epoch > warmup_epochs):
                    self._divide_by_losses(run)
                else:
                    self._divide_by_neighborhood(run, neighborhood)
                own, peers = self.clean_probabilities
                since_warmup = epoch - warmup_epochs
                self._train(run, self.network, self.peer, self.optimizer, peers, since_warmup)
                self._train(run, self.peer, self.network, self.peer_optimizer, own, since_warmup)

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

    def _warmup_epochs(self, run: Run) -> int:
        if self.params.warmup_epochs is not None:
            return self.params.warmup_epochs
        return max(1, round(run.max_epochs / 10))

    def _warm_up(self, run: Run, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        network.train()
        size = self.params.warmup_batch_size
        strategy = self.params.strategy()
        learner, batches = network, run.batches(views=1, augment=strategy.warmup, batch_size=size)
        if self.params.warmup == "linear-probe":
            learner, batches = run.probe(network)
        for batch in batches:
            logits = learner(batch.views[0])
            loss = cross_entropy(logits, batch.labels)
            if self.params.confidence_penalty:
                loss = loss + self.params.confidence_penalty * mixmatch.confidence_penalty(logits)
            run.step(loss, optimizer)

    def _divide_by_losses(self, run: Run) -> None:
        """Co-divide: fit each network's mixture to its losses on the unaugmented samples."""
        losses = torch.stack(
            [
                normalize_losses(cross_entropy(run.logits(network), run.labels, reduction="none"))
                for network in (self.network, self.peer)
            ]
        )
        self.loss_history = [*self.loss_history, losses][-self.params.loss_history :]
        averaged = torch.stack(self.loss_history).mean(0)
        for row in range(2):
            division = divide(
                averaged[row],
                seed=seed_for(int(torch.randint(2**62, (), generator=run.generator)), row),
                max_iterations=self.params.mixture_max_iterations,
                tolerance=self.params.mixture_tolerance,
                regularization=self.params.mixture_regularization,
            )
            self.clean_probabilities[row] = division.clean_probability
            if row == 0:
                self.fitted = None if division.mixture is None else astuple(division.mixture)
            if division.event:
                run.event("mixture", division.event)

    def _divide_by_neighborhood(self, run: Run, neighborhood: Tensor) -> None:
        """Give both networks the neighborhood's belief, or its mean with their own."""
        if self.params.divider == "both":
            self._divide_by_losses(run)
            self.clean_probabilities.lerp_(neighborhood, 0.5)
        else:
            self.clean_probabilities.copy_(neighborhood.expand(2, -1))

    def _split(self, run: Run, clean_probability: Tensor) -> tuple[Tensor, Tensor]:
        """Indices of labeled and unlabeled samples; neither set is of one sample.

        Batch normalization cannot train on a single one.
        """
        labeled = clean_probability > self.params.clean_threshold
        if labeled.sum() < 2:
            # The authors' loader crashes here; one batch of the most credible samples goes on.
            count = min(_half_batch(run), run.num_samples)
            labeled[clean_probability.topk(count).indices] = True
            run.event(
                "empty labeled set", f"using the {count} samples of highest clean probability"
            )
        if (~labeled).sum() == 1:
            labeled[:] = True
        if labeled.all():
            run.event("empty unlabeled set", "training on labeled samples alone")
        present = run.labels[labeled].unique()
        if len(present) < run.num_classes:
            absent = run.num_classes - len(present)
            run.event("absent classes", f"{absent} of {run.num_classes} have no labeled sample")
        run.log(labeled_share=labeled.float().mean())
        return labeled.nonzero().squeeze(1), (~labeled).nonzero().squeeze(1)

    def _train(
        self,
        run: Run,
        network: nn.Module,
        peer: nn.Module,
        optimizer: torch.optim.Optimizer,
        clean_probability: Tensor,
        since_warmup: int,
    ) -> None:
        """One epoch of one network on the peer's division; its length follows the labeled set."""
        # The trained network guesses in train mode, its peer in eval mode: as the authors run it.
        network.train()
        peer.eval()
        labeled, unlabeled = self._split(run, clean_probability)
        size = _half_batch(run)
        steps = -(-len(labeled) // size)
        augment = self.params.strategy().views
        unlabeled_batches = mixmatch.endless_batches(run, unlabeled, size, augment)
        batches = run.batches(labeled, augment=augment, batch_size=size)
        for step, batch in enumerate(batches):
            other = next(unlabeled_batches, None)
            ramp = mixmatch.linear_rampup(since_warmup + step / steps, self.params.rampup_epochs)
            loss = self._loss(
                run, network, peer, batch, other, clean_probability[batch.index], ramp
            )
            run.step(loss, optimizer)

    def _loss(
        self,
        run: Run,
        network: nn.Module,
        peer: nn.Module,
        batch: Batch,
        other: Batch | None,
        clean_probability: Tensor,
        ramp: float,
    ) -> Tensor:
        """MixMatch on one labeled and one unlabeled batch (`other`; None when there is none)."""
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
                averages = (_mean_probabilities(own[:2]), _mean_probabilities(peers))
                guessed = [mixmatch.co_guess(*averages, temperature)] * 2
            refined = mixmatch.co_refine(
                batch.labels, clean_probability, _mean_probabilities(own[-2:]), temperature
            )
            learned = [*descent_views(batch), *(descent_views(other) if other else [])]
            targets = torch.cat([refined, refined, *guessed])
        inputs = torch.cat(learned)
        # One share and one permutation: labeled and unlabeled samples mix freely.
        return mixmatch.mixed_loss(
            network,
            inputs,
            targets,
            num_labeled=2 * len(batch.index),
            share=mixmatch.mixup_share(self.params.mixup_alpha, run.generator),
            partners=mixmatch.mixup_partners(run, len(inputs)),
            unlabeled_weight=self.params.lambda_u * ramp,
            prior_weight=self.params.prior_penalty,
        )


def _half_batch(run: Run) -> int:
    """Labeled samples of a batch; as many unlabeled ones join them."""
    return max(2, run.batch_size // 2)


def _mean_probabilities(logits: Sequence[Tensor]) -> Tensor:
    return torch.stack([softmax(part, 1) for part in logits]).mean(0)
