"""Make a spec concrete: data, noisy labels, device, precision."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from torch import nn

from lnlbench.data.dataset import Dataset
from lnlbench.networks.passes import Passes
from lnlbench.networks.precision import PreciseNetwork, resolve_precision
from lnlbench.noise import NoisyLabels, apply_noise
from lnlbench.runner.split import LabeledImages, Split, split_dataset
from lnlbench.spec.run_spec import RunSpec
from lnlbench.tracks import Protocol


@dataclass(frozen=True)
class Prepared:
    """A spec with the data, device and precision that it runs on.

    `compiled` says whether networks are compiled, and `compilation` why, if lnlbench decided it.
    """

    spec: RunSpec
    dataset: Dataset
    noisy: NoisyLabels
    split: Split
    device: torch.device
    precision: str
    compiled: bool = False
    compilation: str = ""
    passes: Passes = field(default_factory=Passes)

    @property
    def precise(self) -> Callable[[nn.Module], PreciseNetwork]:
        """The function that wraps a network's body; it does not hold the data."""
        return partial(
            PreciseNetwork, precision=self.precision, device=self.device, passes=self.passes
        )

    def with_notes(self, notes: tuple[str, ...]) -> "Prepared":
        """The same run, with more notes on its data for the result."""
        return replace(self, dataset=replace(self.dataset, notes=(*self.dataset.notes, *notes)))

    def blinded(self) -> "Prepared":
        """The same run without clean labels and the test split, as for a user of noisy labels.

        The noisy labels take the place of the clean ones, and the test split becomes empty.
        """
        test = self.split.test
        nothing = LabeledImages(test.images[:0], test.labels[:0], test.positions[:0])
        dataset = replace(
            self.dataset,
            train_labels=self.noisy.labels,
            test_labels=torch.zeros_like(self.dataset.test_labels),
            human_labels={},
            truth_known=False,
        )
        split = replace(
            self.split, clean_labels=self.split.training.labels, test=nothing, truth_known=False
        )
        return replace(self, dataset=dataset, split=split)


def compiled_batches(protocol: Protocol) -> int:
    """The unit of compiled batch sizes: methods also pass half a batch, or two batches."""
    return max(2, protocol.batch_size // 2)


def prepare(spec: RunSpec, dataset: Dataset, device: torch.device) -> Prepared:
    """Apply the noise and split the data, in the same way for every seed of a track.

    Raises:
        UsageError: the noise does not fit the data set, or a limit does not fit its size.
    """
    noisy = apply_noise(spec.protocol.noise, dataset, spec.protocol.noise_seed)
    split = split_dataset(dataset, noisy, spec.protocol)
    precision = resolve_precision(spec.protocol.precision, device)
    return Prepared(spec, dataset, noisy, split, device, precision)
