"""What every method may know about its run."""

import torch
from torch import Tensor

from lnlbench.interface.host import RunHost


class RunFacts:
    """The part of a run that states its noisy labels and its sizes."""

    _host: RunHost

    @property
    def labels(self) -> Tensor:
        """The noisy labels, int64 [N], on the run's device."""
        return self._host.labels

    @property
    def num_samples(self) -> int:
        """Number of training samples N."""
        return len(self._host.labels)

    @property
    def num_classes(self) -> int:
        """Number of classes C."""
        return self._host.num_classes

    @property
    def max_epochs(self) -> int:
        """Number of epochs of this run."""
        return self._host.max_epochs

    @property
    def batch_size(self) -> int:
        """The protocol's batch size."""
        return self._host.batch_size

    @property
    def device(self) -> torch.device:
        """The device of networks and batches."""
        return self._host.device
