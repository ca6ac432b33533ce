"""The Run: everything that a method may see and ask for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from lnlbench.augment.blocks import plain_batches
from lnlbench.augment.views import require_in_memory
from lnlbench.interface.batch import Batch
from lnlbench.interface.batch_stream import sample_index, stream_batches, view_names
from lnlbench.interface.epoch_log import EpochLog
from lnlbench.interface.event import Event
from lnlbench.interface.facts import RunFacts
from lnlbench.interface.host import RunHost
from lnlbench.interface.privileged import PrivilegedKnowledge
from lnlbench.interface.scheduled import ScheduledOptimizers
from lnlbench.interface.step_checks import check_step
from lnlbench.networks.evaluation_mode import evaluation_mode
from lnlbench.seeds import generator_for, seed_for, seed_global_streams


class Run(RunFacts, PrivilegedKnowledge):
    """A method's view of its run, and all that `fit` works with.

    In the order in which the author of a method meets it:

    1. Before the first epoch: `network()`, `helper()` and `optimizer()` or `follow_schedule()` make
       what `fit` keeps on the method. `require_views()` and `require_in_memory()` refuse early.
    2. The loop: `epochs()` around `batches()` or `probe()`, and `step()` for each update.
    3. What `fit` may know: the noisy `labels`, `num_samples`, `num_classes`, `max_epochs`,
       `batch_size`, `device`, `epoch`, `embed()`, and the `logits()` of a network on all training
       samples. A method's own draws come from `generator`, which starts anew in every epoch.
    4. What `fit` may tell: `log()`, `event()`, and `save()` for other runs.
    5. What only a method that declares it in `oracle` gets: `noise_rate`, `clean_labels`,
       `clean_subset`. No other clean label and no test sample can be reached from a run.

    A method must not write to `labels`: it writes to a copy, `labels.clone()`.
    """

    def __init__(self, host: RunHost) -> None:
        self._host = host
        self._scheduled = ScheduledOptimizers()
        self._networks = self._calls = 0
        self.epoch = self.steps = self.samples = 0
        self.events: list[Event] = []
        self.logged = EpochLog(host.device)
        self.generator = generator_for(host.seed, "method", "start")

    def network(self) -> nn.Module:
        """A new network of the run's backbone, on its device; each has its own seeded start."""
        self._networks += 1
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_for(self._host.seed, "initialization", self._networks))
            return self._host.build_network()

    def helper(self, module: nn.Module) -> nn.Module:
        """Move a module to the run's device and leave it out of `predict`; returns the module.

        Use it for a projection head or an averaged network. It is saved like everything on `self`.
        """
        module.takes_no_part_in_predict = True  # type: ignore[assignment]
        return module.to(self.device)

    def optimizer(
        self, network: nn.Module, lr_factor: float = 1.0, begin: int = 0
    ) -> torch.optim.Optimizer:
        """The protocol's optimizer for one module; its learning rate follows the schedule.

        `lr_factor` multiplies the learning rate; `begin` is as in `follow_schedule`.
        """
        optimizer = self._host.build_optimizer(network)
        for group in optimizer.param_groups:
            group["lr"] *= lr_factor
        return self.follow_schedule(optimizer, begin)

    def follow_schedule(
        self, optimizer: torch.optim.Optimizer, begin: int = 0
    ) -> torch.optim.Optimizer:
        """Let an optimizer that the method has made follow the protocol's learning-rate schedule.

        Each parameter group keeps its own learning rate, which the schedule multiplies. A schedule
        with a later `begin` is the whole one, compressed into the epochs from there to the end; the
        epochs before have the initial rate.
        """
        self._scheduled.add(optimizer, begin)
        return optimizer

    def epochs(self) -> Iterator[int]:
        """The epochs to train: from 0, or from where a resumed run had stopped.

        Between two epochs the runner evaluates, logs and saves the method.

        Raises:
            Diverged: a loss of the epoch was infinite or NaN.
            Interrupted: the run was asked to stop.
            RunError: `fit` asks for the epochs a second time.
        """
        first = self._host.control.restore()
        for epoch in range(first, self.max_epochs):
            self._begin(epoch)
            yield epoch
            self._host.control.epoch_finished(epoch)

    def _begin(self, epoch: int) -> None:
        # Every stream restarts from (seed, axis, epoch), so a resumed run draws the same numbers.
        self.epoch = epoch
        self.steps = self.samples = self._calls = 0
        self.logged.begin()
        self.generator = generator_for(self._host.seed, "method", epoch)
        seed_global_streams(self._host.seed, "global", epoch)
        self._scheduled.set_rates(epoch, self.max_epochs, self._host.learning_rate_factor)

    def batches(
        self,
        indices: Tensor | None = None,
        views: int | None = None,
        augment: str | Sequence[str] = "weak",
        batch_size: int | None = None,
        shuffle: bool = True,
    ) -> Iterator[Batch]:
        """Batches over all samples, or over `indices` (int64 [M] or bool [N]).

        `augment` is "weak" (the track's policy), "none", "strong" (weak, then AutoAugment) or
        "randaugment:N:M" (weak, then N operations of magnitude M of 30 and Cutout), for `views`
        views (2 by default); or a sequence of these, one for each view. When shuffling, a last
        batch of one sample joins the batch before it, since batch normalization needs two.

        Raises:
            UsageError: an augmentation that is unknown, or that the track's data do not have; or
                `indices` that name no samples of the run.
        """
        host = self._host
        self._calls += 1
        names = view_names(views, augment)
        chosen = sample_index(indices, self.num_samples, self.device)
        size, axes = batch_size or host.batch_size, (self.epoch, self._calls)
        for batch in stream_batches(host, chosen, names, size, shuffle, axes):
            self.samples += len(batch.index)
            yield batch

    def probe(self, network: nn.Module) -> tuple[nn.Module, Iterator[Batch]]:
        """A network's classifier, and batches whose only view is its frozen body's features [B, D].

        The features are those of the unaugmented samples, computed once for each run. The network's
        own optimizer changes only the classifier, because the body gets no gradients.

        Raises:
            UsageError: the network has no pretrained body, or its body has been trained already.
        """
        classifier, features = self._host.probe(network)
        batches = self.batches(views=0)
        return classifier, (replace(batch, views=[features[batch.index]]) for batch in batches)

    def embed(self, views: Tensor) -> Tensor:
        """Features float32 [B, D] of views, by the untrained pretrained body, or as they are."""
        return self._host.embed(views)

    def require_views(self, *augment: str) -> None:
        """Refuse at once an augmentation that `batches` would refuse later.

        Raises:
            UsageError: an augmentation that is unknown, or that the track's data do not have.
        """
        for name in augment:
            self._host.views.check(name)

    def require_in_memory(self, use: str) -> None:
        """Refuse a use of all samples' inputs at once if the run reads its images from files.

        Raises:
            UsageError: the images are read from files; `use` says what needs all of them.
        """
        require_in_memory(self._host.views, use)

    def logits(self, network: nn.Module) -> Tensor:
        """Logits float32 [N, C] of the unaugmented training set in index order, in eval mode."""
        views, size, parts = self._host.views, self._host.eval_batch_size, []
        with evaluation_mode([network]):
            for images in plain_batches(views, self.num_samples, size):
                parts.append(network(images))
                self.working("logits", min(len(parts) * size, self.num_samples), self.num_samples)
        # Joined outside inference mode, so that a method may train on values computed from it.
        return torch.cat(parts)

    def step(self, loss: Tensor, *optimizers: torch.optim.Optimizer) -> None:
        """One update: gradients of `loss`, then a step of each optimizer; notes non-finite losses.

        Raises:
            Interrupted: the run was asked to stop.
            RunError: `fit` has not asked for an epoch yet.
            UsageError: `loss` is not one number with gradients, or no optimizer is given.
        """
        check_step(loss, optimizers)
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        self.logged.add_loss(loss)
        self.steps += 1
        self._host.control.step_finished()

    def log(self, **scalars: Tensor | float) -> None:
        """Record scalars; the mean of each over an epoch becomes a curve of the result.

        Raises:
            UsageError: a value is not one number.
        """
        self.logged.add(**scalars)

    def working(self, what: str, done: int, total: int) -> None:
        """Report how far long work without steps is, so that a run shows it and can be stopped.

        Raises:
            Interrupted: the run was asked to stop.
        """
        self._host.control.working(what, done, total)

    def event(self, event: str, detail: str) -> None:
        """Record something unusual that the method met and handled."""
        self.events.append(Event(self.epoch, event, detail))

    def save(self, name: str, kind: str, tensors: Mapping[str, Tensor], **facts: Any) -> None:
        """Keep tensors as `NAME.safetensors` in the run's directory, for other runs to load.

        The file says their `kind`, holds `facts` (JSON values), and names the run that wrote it.
        """
        self._host.control.save(name, kind, tensors, facts)
