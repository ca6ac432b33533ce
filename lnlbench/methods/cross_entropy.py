"""Cross-entropy (Wei et al., ICLR 2022): the baseline, and two bounds that know the clean labels.

Worked from the paper. Details: docs/methods/ce.md, docs/methods/ce-clean.md and
docs/methods/ce-selected.md.
"""

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import lnlbench
from lnlbench.document import LeftOut
from lnlbench.errors import UsageError
from lnlbench.interface.batch import Batch
from lnlbench.interface.method import LossMethod, Method
from lnlbench.interface.run import Run

CIFAR_N = "Wei et al., Learning with Noisy Labels Revisited, ICLR 2022, arxiv.org/abs/2110.12088"


class CrossEntropy(LossMethod):
    """Plain training on the noisy labels."""

    name = "ce"
    reference = CIFAR_N

    class Params(lnlbench.Params):
        """The only parameter says how pretrained networks begin."""

        linear_probe_epochs: Annotated[int, LeftOut()] = Field(
            0,
            ge=0,
            description="Number of first epochs that train the classifier alone, on features of "
            "the pretrained body.",
        )

    def fit(self, run: Run) -> None:
        """Probe as long as asked for, then train one network on all samples."""
        self.network = run.network()
        self.optimizer = run.optimizer(self.network)
        for epoch in run.epochs():
            learner, batches = self.network, run.batches(views=1)
            if epoch < self.params.linear_probe_epochs:
                learner, batches = run.probe(self.network)
            for batch in batches:
                run.step(self.loss(learner, batch, epoch), self.optimizer)

    def loss(self, network: nn.Module, batch: Batch, epoch: int) -> Tensor:
        """Cross-entropy with the noisy labels."""
        return cross_entropy(network(batch.views[0]), batch.labels)


class CrossEntropyClean(LossMethod):
    """Plain training on the clean labels: the outcome with perfect labels, never ranked."""

    name = "ce-clean"
    reference = CIFAR_N
    oracle = frozenset({"clean_labels"})

    def fit(self, run: Run) -> None:
        """Fetch the clean labels, then train as usual."""
        self.clean_labels = run.clean_labels
        super().fit(run)

    def loss(self, network: nn.Module, batch: Batch, epoch: int) -> Tensor:
        """Cross-entropy with the clean labels."""
        return cross_entropy(network(batch.views[0]), self.clean_labels[batch.index])


def rightly_labeled(run: Run) -> Tensor:
    """Which samples have the right label, bool [N].

    Raises:
        UsageError: fewer than two samples have it; batch normalization cannot train on one sample.
    """
    right = run.labels == run.clean_labels
    if right.sum() < 2:
        raise UsageError(
            "This method trains on samples whose label is right, and this run has fewer than two "
            f"among {run.num_samples}. Choose a noise of a lower rate."
        )
    return right


class CrossEntropySelected(Method):
    """Plain training on the samples whose label is right: perfect selection, never ranked."""

    name = "ce-selected"
    reference = CIFAR_N
    oracle = frozenset({"clean_labels"})

    def fit(self, run: Run) -> None:
        """Train one network on the rightly labeled samples alone."""
        right = rightly_labeled(run)
        self.network = run.network()
        self.optimizer = run.optimizer(self.network)
        for _ in run.epochs():
            for batch in run.batches(right, views=1):
                loss = cross_entropy(self.network(batch.views[0]), batch.labels)
                run.step(loss, self.optimizer)
