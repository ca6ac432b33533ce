"""A right method whose parts a test replaces by wrong ones."""

import torch
from pydantic import Field
from torch.nn.functional import cross_entropy

import lnlbench
from lnlbench.testing.trials import Trials


class Good(lnlbench.Method):
    """Remember each sample's loss, and believe in the small ones."""

    name = "good"
    reference = "Nobody, Nowhere 2026"

    class Params(lnlbench.Params):
        """Bounded and described."""

        scale: float = Field(1.0, gt=0, description="Of the belief.")

    def fit(self, run):
        self.prepare(run)
        for epoch in run.epochs():
            for batch in run.batches(views=1):
                run.step(self.learn(batch, epoch), self.optimizer)
        self.finish(run)

    def prepare(self, run):
        self.network = run.network()
        self.optimizer = run.optimizer(self.network)
        self.losses = torch.zeros(run.num_samples)

    def learn(self, batch, epoch):
        losses = cross_entropy(self.network(batch.views[0]), batch.labels, reduction="none")
        self.losses[batch.index] = losses.detach()
        return losses.mean()

    def finish(self, run):
        pass

    def clean_probability(self):
        return torch.exp(-self.params.scale * self.losses)


def trials(**attributes):
    """Trials of `Good` with some of its parts replaced by wrong ones."""
    return Trials(type("Broken", (Good,), {"__doc__": "Broken.", **attributes}), {})
