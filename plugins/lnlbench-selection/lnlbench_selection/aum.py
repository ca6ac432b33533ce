"""AUM (Pleiss et al., NeurIPS 2020): samples of small margins, as samples of a made-up class have.

Reference: github.com/asappresearch/aum at 892e76e, aum/aum.py and examples/paper_replication/.
Details and deviations: docs/aum.md.
"""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import lnlbench
from lnlbench.pieces.selection import split_by_belief
from lnlbench.pieces.warmup import warmup_length

# The authors measure for 150 epochs and retrain for 300.
MEASURE_SHARE = 150 / 450


def margins(logits: Tensor, labels: Tensor) -> Tensor:
    """The logit of each label minus the largest other logit, [B] of [B, C]."""
    given = labels.unsqueeze(1)
    others = logits.scatter(1, given, -torch.inf).amax(1)
    return logits.gather(1, given).squeeze(1) - others


def threshold_of(areas: Tensor, exceeding: float) -> Tensor:
    """The value of which no larger share than `exceeding` of the `areas` [M] is above."""
    above = int(round(exceeding * len(areas), 9))
    return areas.sort(descending=True).values[min(above, len(areas) - 1)]


def excess(areas: Tensor, chosen: Tensor, exceeding: float) -> Tensor:
    """How far each sample's area is above the threshold of its better measurement, [N].

    `areas` [R, N] are the areas under the margin of R measurements, and `chosen`, bool [R, N],
    the threshold samples of each, which have no say about themselves.
    """
    above = [
        (own - threshold_of(own[samples], exceeding)).masked_fill(samples, -torch.inf)
        for own, samples in zip(areas, chosen, strict=True)
    ]
    return torch.stack(above).amax(0)


class AUM(lnlbench.Method):
    """Two networks measure margins beside samples of a made-up class; a third learns the rest."""

    name = "aum"
    reference = (
        "Pleiss et al., Identifying Mislabeled Data using the Area Under the Margin Ranking, "
        "NeurIPS 2020, arxiv.org/abs/2001.10528"
    )
    quick_params: ClassVar = {"measure_epochs": 1}
    recipes = {  # noqa: RUF012 - declared as a ClassVar by the base class
        "native": lnlbench.Recipe(
            params={"measure_epochs": 150, "measure_batch_size": 64},
            schedule={
                "backbone": "resnet34",
                "epochs": 450,
                "batch_size": 256,
                "optimizer": {
                    "name": "sgd",
                    "lr": 0.1,
                    "momentum": 0.9,
                    "weight_decay": 1e-4,
                    "nesterov": True,
                },
                "milestones": [0.5, 0.75],
            },
            note="The authors' CIFAR schedules; their network is a thin ResNet-32.",
        )
    }

    class Params(lnlbench.Params):
        """Defaults are the authors' values."""

        measure_epochs: int | None = Field(
            None,
            ge=1,
            le=100_000,
            description="Epochs in which margins are measured; by default a third of the run, as "
            "the authors' 150 are of 450.",
        )
        measure_batch_size: int | None = Field(
            None,
            ge=2,
            le=100_000,
            description="Batch size in these epochs; by default the track's.",
        )
        exceeding: float = Field(
            0.01,
            ge=0,
            lt=1,
            description="A sample is flagged if more than this share of threshold samples has a "
            "larger area under the margin.",
        )

    def fit(self, run: lnlbench.Run) -> None:
        """Measure with two networks; then train a third one on what not both have flagged."""
        measure_epochs = warmup_length(self.params.measure_epochs, MEASURE_SHARE, run.max_epochs)
        self.measuring = [run.network(), run.network()]
        features = self.measuring[0].classifier.in_features
        # The logit of the made-up class; with it the classifier has one output more.
        self.extra = [run.helper(nn.Linear(features, 1)) for _ in self.measuring]
        self.optimizers = [
            run.optimizer(part, begin=measure_epochs) for part in (*self.measuring, *self.extra)
        ]
        self.network = run.network()
        self.optimizer = run.optimizer(self.network, begin=measure_epochs)
        self.chosen = self._threshold_samples(run)
        self.areas = torch.zeros(2, run.num_samples, device=run.device)
        self.excess: Tensor | None = None
        self.belief: Tensor | None = None
        for epoch in run.epochs():
            if epoch < measure_epochs:
                # The first epoch depends on random weights, and does not count if there is another.
                counts = epoch > 0 or measure_epochs == 1
                for which in range(2):
                    self._measure(run, which, counts)
                continue
            if self.excess is None:
                self._flag(run)
            kept, _ = split_by_belief(run, self.belief, threshold=0.5)
            for batch in run.batches(kept, views=1):
                loss = cross_entropy(self.network(batch.views[0]), batch.labels)
                run.step(loss, self.optimizer)

    def _threshold_samples(self, run: lnlbench.Run) -> Tensor:
        """Two disjoint random sets, each as large as the mean class: bool [2, N]."""
        count = max(1, min(run.num_samples // run.num_classes, run.num_samples // 2))
        order = torch.randperm(run.num_samples, generator=run.generator).to(run.device)
        chosen = torch.zeros(2, run.num_samples, dtype=torch.bool, device=run.device)
        chosen[0, order[:count]] = True
        chosen[1, order[-count:]] = True
        return chosen

    def _measure(self, run: lnlbench.Run, which: int, counts: bool) -> None:
        """Train one network for an epoch, and add up the margins of what it is trained on."""
        network, extra, chosen = self.measuring[which], self.extra[which], self.chosen[which]
        for batch in run.batches(views=1, batch_size=self.params.measure_batch_size):
            logits, features = network.with_features(batch.views[0])
            logits = torch.cat([logits, extra(features)], 1)
            labels = batch.labels.masked_fill(chosen[batch.index], run.num_classes)
            self.areas[which, batch.index] += counts * margins(logits.detach(), labels)
            loss = cross_entropy(logits, labels)
            run.step(loss, self.optimizers[which], self.optimizers[2 + which])

    def _flag(self, run: lnlbench.Run) -> None:
        """Compare all areas with those of the threshold samples."""
        self.excess = excess(self.areas, self.chosen, self.params.exceeding)
        ranks = self.excess.argsort(stable=True).argsort() + 1
        self.belief = ((self.excess >= 0) + ranks / (run.num_samples + 1)) / 2

    def trained_networks(self) -> list[nn.Module]:
        """The network that was retrained; before that, the first one of those that measure."""
        return [self.measuring[0] if self.excess is None else self.network]

    def clean_probability(self) -> Tensor | None:
        """Above 1/2 for samples that are kept; in the order of their areas. None at first."""
        return self.belief

    def criterion(self) -> lnlbench.Criterion | None:
        """The areas above the threshold; a sample below 0 is left out."""
        name = "area under the margin above the threshold"
        return None if self.excess is None else lnlbench.Criterion(name, self.excess, 0.0)
