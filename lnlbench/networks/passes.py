"""Count the samples that pass through a run's networks: the work that a method gives a device."""

from dataclasses import dataclass
from typing import Any


@dataclass
class Passes:
    """Samples that passed through networks, with gradients and without."""

    with_gradients: int = 0
    without_gradients: int = 0

    def add(self, samples: int, gradients: bool) -> None:
        """Count one pass of a batch."""
        if gradients:
            self.with_gradients += samples
        else:
            self.without_gradients += samples

    def take(self) -> "Passes":
        """The counts since the last call; resets them."""
        taken = Passes(self.with_gradients, self.without_gradients)
        self.with_gradients = self.without_gradients = 0
        return taken

    def __deepcopy__(self, memo: dict[int, Any]) -> "Passes":
        # A copy of a network, such as an average, belongs to the same run and shares its counts.
        return self
