"""MentorNet (Jiang et al., ICML 2018) with a curriculum learned from data (MentorNet DD).

Reference: github.com/google/mentornet at 76d6be2, code/utils.py and code/training_mentornet.
Details and deviations: docs/methods/mentornet-dd.md.
"""

from functools import partial
from typing import Annotated, ClassVar

import torch
from pydantic import AfterValidator, Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lnlbench.errors import DataError
from lnlbench.interface.artifacts import ArtifactFile, load_artifact
from lnlbench.interface.batch import Batch
from lnlbench.interface.method import Method
from lnlbench.interface.param_checks import Stages, covers_the_training, given_or_learned
from lnlbench.interface.params import CleanSubsetParams
from lnlbench.interface.run import Run
from lnlbench.pieces.curriculum import (
    AUTHORS_RECIPE,
    WeighingParams,
    burning_in,
    drop_examples,
    dropout_rate,
    percent_done,
    updated_threshold,
)
from lnlbench.pieces.kernel_decay import half_squares, take_decay
from lnlbench.pieces.mentor_network import MentorNetwork, learn

KIND = "mentornet"


class MentorNetDD(Method):
    """One network whose samples are weighted by a mentor that has learned from clean labels."""

    name = "mentornet-dd"
    reference = "Jiang et al., MentorNet, ICML 2018, arxiv.org/abs/1712.05055"
    oracle = frozenset({"clean_subset"})
    recipes = {"native": AUTHORS_RECIPE}  # noqa: RUF012 - a ClassVar by the base class
    quick_params: ClassVar = {"mentor_steps": 100}

    class Params(WeighingParams, CleanSubsetParams):
        """Defaults are the values the authors give for CIFAR-100 at 40 % noise."""

        mentor: Annotated[str | None, ArtifactFile(KIND), AfterValidator(given_or_learned)] = Field(
            None,
            pattern=r"^[0-9a-f]{64}$",
            description="A mentor that another run has learned, as the SHA-256 of its "
            "mentor.safetensors (on the command line also the file); by default this run learns "
            "one during the burn-in.",
        )
        loss_percentile: float = Field(
            0.6,
            ge=0,
            le=1,
            description="Share of a batch whose largest loss is the threshold. The authors mean "
            "0.8, 0.6 and 0.5 at 20, 40 and 80 % noise; by a misspelt flag their scripts run 0.7.",
        )
        burn_in: int = Field(
            18,
            ge=0,
            le=100,
            description="Percent of the training in which every sample has weight one and the "
            "mentor is learned; 100 learns a mentor of the whole training for another run.",
        )
        fix_epoch: bool = Field(
            True,
            description="After the burn-in, mentor and dropout see the time at which it ended.",
        )
        example_dropout: Annotated[Stages, AfterValidator(covers_the_training)] = Field(
            ((0.5, 17), (0.05, 78), (0.9, 5)),
            description="Pairs of a rate and the percent of the training for which it holds, "
            "in order, together 100 %. The rate is the share of each batch whose weights become "
            "zero.",
        )
        mentor_steps: int = Field(
            30_000, ge=1, description="Steps of 32 samples in which the mentor is learned."
        )

    def fit(self, run: Run) -> None:
        """Burn in and learn the mentor, then train on weighted losses."""
        self.network = run.network()
        self.optimizer = run.optimizer(self.network)
        self.decay = take_decay(self.optimizer) if self.params.weighted_decay else 0.0
        self.mentor = MentorNetwork(run.generator).to(run.device)
        # The last percent that the mentor has seen: it is never asked about a later one.
        self.learned_until = -1
        self.rows: list[Tensor] = []
        self.threshold = torch.zeros((), device=run.device)
        self.weights = torch.full((run.num_samples,), torch.nan, device=run.device)
        targets = self._targets(run)
        for epoch in run.epochs():
            seen = 0
            for batch in run.batches(views=1):
                percent = percent_done(epoch, seen, run.num_samples, run.max_epochs)
                seen += len(batch.index)
                losses = cross_entropy(self.network(batch.views[0]), batch.labels, reduction="none")
                weights = self._weigh(run, batch, losses.detach(), percent, targets)
                run.log(mean_weight=weights.mean())
                # Divided by the size of the batch, not by the weights: few kept, small step.
                loss = (weights * losses).sum() / len(losses)
                if self.decay:
                    loss = loss + self.decay * half_squares(self.network) * weights.mean()
                run.step(loss, self.optimizer)
            self.rows = [torch.cat(self.rows)] if self.rows else []
            if epoch == run.max_epochs - 1:
                self._learn(run)

    def trained_networks(self) -> list[nn.Module]:
        """The network alone: the mentor classifies nothing."""
        return [self.network]

    def clean_probability(self) -> Tensor | None:
        """Each sample's latest weight before dropout; None until every sample has had one."""
        return None if self.weights.isnan().any() else self.weights

    def _targets(self, run: Run) -> Tensor | None:
        """1 where a label is known to be right, 0 where wrong, NaN where nothing is known: [N].

        None, without a look at the clean subset, for a mentor that was learned elsewhere.
        """
        if self.params.mentor is not None:
            self._load(self.params.mentor)
            return None
        targets = torch.full((run.num_samples,), torch.nan, device=run.device)
        subset = run.clean_subset
        targets[subset.index] = (subset.labels == run.labels[subset.index]).float()
        return targets

    def _load(self, sha256: str) -> None:
        artifact = load_artifact(sha256)
        try:
            self.mentor.load_state_dict(artifact.tensors)
            self.learned_until = int(artifact.about["learned_until"])
        except (RuntimeError, KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"The artifact {sha256} holds no mentor of this version of {self.name}. Learn one "
                "anew: leave out --set mentor."
            ) from error

    @torch.no_grad()
    def _weigh(
        self, run: Run, batch: Batch, losses: Tensor, percent: int, targets: Tensor | None
    ) -> Tensor:
        """The weights [B] that a batch is trained with; keeps rows for the mentor to learn from."""
        self.threshold = updated_threshold(self.threshold, losses, self.params)
        differences = losses - self.threshold
        clock = min(percent, self.params.burn_in, 99) if self.params.fix_epoch else percent
        # A run of few batches may pass the burn-in before it meets a sample that is known.
        unready = self.learned_until < 0 and sum(map(len, self.rows)) == 0
        if burning_in(clock, self.params) or unready:
            weights = torch.ones_like(losses)
            if targets is not None:
                target = targets[batch.index]
                rows = torch.stack([losses, differences, torch.full_like(losses, clock), target], 1)
                self.rows.append(rows[~target.isnan()])
        else:
            self._learn(run)
            weights = self.mentor.weights(losses, differences, min(clock, self.learned_until))
            self.weights[batch.index] = weights
        return drop_examples(weights, dropout_rate(clock, self.params), run.generator)

    def _learn(self, run: Run) -> None:
        """Learn the mentor from the rows so far, unless there is one, and keep it as a file."""
        if self.learned_until >= 0:
            return
        rows = torch.cat(self.rows)
        with torch.enable_grad():
            told = partial(run.working, "learning the mentor, steps")
            loss = learn(self.mentor, rows, self.params.mentor_steps, run.generator, told)
        self.rows = []
        self.learned_until = int(rows[:, 2].max())
        wrong = int((rows[:, 3] == 0).sum())
        run.event(
            "mentor learned",
            f"from {len(rows)} losses until {self.learned_until} % of the training, {wrong} of "
            f"them of wrong labels; final loss {loss:.4f}",
        )
        run.save(
            "mentor",
            KIND,
            self.mentor.state_dict(),
            learned_until=self.learned_until,
            rows=len(rows),
            wrong=wrong,
            final_loss=loss,
        )
