"""Cross-entropy: the baseline on noisy labels, and its upper bound on clean ones."""

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lnlbench.method import LossMethod
from lnlbench.run import Batch, Run

CIFAR_N = "Wei et al., Learning with Noisy Labels Revisited, ICLR 2022, arxiv.org/abs/2110.12088"


class CrossEntropy(LossMethod):
    """Plain training on the noisy labels."""

    name = "ce"
    reference = CIFAR_N

    def loss(self, network: nn.Module, batch: Batch, epoch: int) -> Tensor:
        """Cross-entropy with the noisy labels."""
        return cross_entropy(network(batch.views[0]), batch.labels)


class CrossEntropyClean(LossMethod):
    """Plain training on the clean labels: what perfect labels would give, never ranked."""

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
