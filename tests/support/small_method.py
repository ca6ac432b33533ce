"""A right method of a few lines, whose parts a test replaces by wrong ones."""

from torch.nn.functional import cross_entropy

import lnlbench
from lnlbench.testing.trials import Trials


class Small(lnlbench.LossMethod):
    """Cross-entropy."""

    name = "small"
    reference = "Nobody, Nowhere 2026"

    def begin(self, run):
        self.kept = []

    def loss(self, network, batch, epoch):
        return cross_entropy(network(batch.views[0]), batch.labels)


def trials_of_small(**attributes):
    """Trials of `Small` with some of its parts replaced by wrong ones."""
    return Trials(type("Broken", (Small,), {"__doc__": "Broken.", **attributes}), {})
