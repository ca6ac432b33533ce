"""MentorNet (Jiang et al., ICML 2018) with a predefined curriculum, in closed form.

Reference: github.com/google/mentornet at 76d6be2, code/utils.py and cifar_train_mentornet.py.
Details and deviations: docs/methods/mentornet-pd.md.
"""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from lnlbench.interface.method import Method
from lnlbench.interface.run import Run
from lnlbench.pieces.curriculum import (
    AUTHORS_RECIPE,
    TRUSTING,
    CurriculumParams,
    drop_examples,
    dropout_rate,
    mentor_weights,
    percent_done,
    updated_threshold,
)
from lnlbench.pieces.kernel_decay import half_squares, take_decay


class MentorNetPD(Method):
    """One network whose samples are weighted by a curriculum of their losses."""

    name = "mentornet-pd"
    reference = "Jiang et al., MentorNet, ICML 2018, arxiv.org/abs/1712.05055"
    recipes = {"native": AUTHORS_RECIPE}  # noqa: RUF012 - a ClassVar by the base class

    class Params(CurriculumParams):
        """Defaults are the values the authors give for CIFAR-100 at 20 and 40 % noise."""

    def fit(self, run: Run) -> None:
        """Train one network on weighted losses."""
        self.network = run.network()
        self.optimizer = run.optimizer(self.network)
        self.decay = take_decay(self.optimizer) if self.params.weighted_decay else 0.0
        self.threshold = torch.zeros((), device=run.device)
        self.weights = torch.ones(run.num_samples, device=run.device)
        for epoch in run.epochs():
            seen = 0
            for batch in run.batches(views=1):
                percent = percent_done(epoch, seen, run.num_samples, run.max_epochs)
                seen += len(batch.index)
                losses = cross_entropy(self.network(batch.views[0]), batch.labels, reduction="none")
                # The weights come from the same pass, in train mode, and carry no gradient.
                given = losses.detach()
                self.threshold = updated_threshold(self.threshold, given, self.params)
                weights = mentor_weights(given, self.threshold, percent, self.params)
                self.weights[batch.index] = weights
                rate = dropout_rate(percent, self.params)
                weights = drop_examples(weights, rate, run.generator)
                run.log(mean_weight=weights.mean())
                # Divided by the size of the batch, not by the weights: few kept, small step.
                loss = (weights * losses).sum() / len(losses)
                if self.decay:
                    loss = loss + self.decay * half_squares(self.network) * weights.mean()
                run.step(loss, self.optimizer)

    def clean_probability(self) -> Tensor | None:
        """Each sample's latest weight before dropout; None where weights mean no trust."""
        return self.weights if self.params.curriculum in TRUSTING else None
