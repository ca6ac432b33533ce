"""A method: one class with a visible training loop."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from lnlbench.interface.batch import Batch
from lnlbench.interface.criterion import Criterion
from lnlbench.interface.params import Params as BaseParams
from lnlbench.interface.params import Recipe
from lnlbench.interface.run import Run


class Method:
    """A way to learn from noisy labels.

    `fit` trains. Between two epochs the runner evaluates the method through `predict` and
    `clean_probability`, and saves everything that `fit` has put on `self`: modules, optimizers,
    tensors, arrays, generators, and plain values. Create modules and optimizers before the first
    epoch.

    A subclass declares:

    * `name`: the name on the command line, unique over all plugins.
    * `reference`: the paper, with authors, venue, year and URL.
    * `networks`: how many networks it trains and ensembles.
    * `oracle`: the privileged knowledge that it asks its run for.
    * `recipes`: named settings of its parameters, and of a track's schedule.
    * `quick_params`: parameters with which two epochs reach every phase of `fit`, such as a short
      warm-up. `lnlbench bench` and the checks for authors run the method with them.
    """

    name: ClassVar[str]
    reference: ClassVar[str]
    networks: ClassVar[int] = 1
    oracle: ClassVar[frozenset[str]] = frozenset()
    recipes: ClassVar[dict[str, Recipe]] = {}
    quick_params: ClassVar[Mapping[str, Any]] = {}

    class Params(BaseParams):
        """The method's parameters; a subclass declares them."""

    def __init__(self, params: BaseParams) -> None:
        # Any, so that a subclass may read the fields of its own Params.
        self.params: Any = params

    def augmentations(self) -> tuple[str, ...]:
        """The augmentations that `fit` asks `run.batches` for; a sweep skips tracks without them.

        Name only augmentations that a track may lack: embeddings, for example, have no strong
        views.
        """
        return ()

    def fit(self, run: Run) -> None:
        """Train on the run's noisy training set."""
        raise NotImplementedError(f"{type(self).__name__} does not define fit(run)")

    def trained_networks(self) -> list[nn.Module]:
        """The networks whose logits `predict` averages: the modules on `self`, in order.

        Modules that were passed to `run.helper` are left out.
        """
        found: list[nn.Module] = []
        for value in vars(self).values():
            if isinstance(value, nn.Module):
                found.append(value)
            elif isinstance(value, (list, tuple)):
                found.extend(item for item in value if isinstance(item, nn.Module))
        return [each for each in found if not getattr(each, "takes_no_part_in_predict", False)]

    def predict(self, images: Tensor) -> Tensor:
        """Logits [B, C] for images [B, ...]: the mean over the trained networks."""
        return torch.stack([network(images) for network in self.trained_networks()]).mean(0)

    def clean_probability(self) -> Tensor | None:
        """The method's current belief [N] in [0, 1] that each label is clean, or None."""
        return None

    def clean_threshold(self) -> float:
        """The clean probability above which the method takes a label for clean.

        Precision, recall and F1 of its selection are measured at this threshold.
        """
        return 0.5

    def criterion(self) -> Criterion | None:
        """The values that last told clean from wrong labels; None if there are no values yet.

        The runner asks for them after at most a dozen epochs and plots them; no score uses them.
        """
        return None


class LossMethod(Method):
    """A method whose whole idea is one loss: subclasses write only `loss`.

    `begin`, `begin_epoch` and `end_epoch` are for work before, between and after the batches.
    """

    def begin(self, run: Run) -> None:
        """Make what the loss needs, before the first epoch; `self.network` exists."""

    def begin_epoch(self, run: Run, epoch: int) -> None:
        """Act before the first batch of an epoch (counted from 0)."""

    def end_epoch(self, run: Run, epoch: int) -> None:
        """Act after the last batch of an epoch (counted from 0), before the evaluation."""

    def loss(self, network: nn.Module, batch: Batch, epoch: int) -> Tensor:
        """The scalar to minimize for one batch with one weakly augmented view."""
        raise NotImplementedError(
            f"{type(self).__name__} does not define loss(network, batch, epoch)"
        )

    def fit(self, run: Run) -> None:
        """Train one network on `loss` with the run's optimizer and schedule."""
        self.network = run.network()
        self.optimizer = run.optimizer(self.network)
        self.begin(run)
        for epoch in run.epochs():
            self.begin_epoch(run, epoch)
            for batch in run.batches(views=1):
                run.step(self.loss(self.network, batch, epoch), self.optimizer)
            self.end_epoch(run, epoch)
