"""Cross-entropy on the truly clean samples alone: the upper bound of selection, never ranked."""

from torch.nn.functional import cross_entropy

from lnlbench.method import Method
from lnlbench.methods.cross_entropy import CIFAR_N
from lnlbench.run import Run


class CrossEntropySelected(Method):
    """Plain training on the samples whose noisy label is right: what perfect selection gives."""

    name = "ce-selected"
    reference = CIFAR_N
    oracle = frozenset({"clean_labels"})

    def fit(self, run: Run) -> None:
        """Train one network on the samples whose label is the clean one."""
        selected = run.labels == run.clean_labels
        self.network = run.network()
        self.optimizer = run.optimizer(self.network)
        for _ in run.epochs():
            for batch in run.batches(selected, views=1):
                run.step(cross_entropy(self.network(batch.views[0]), batch.labels), self.optimizer)
