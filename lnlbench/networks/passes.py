"""How many samples pass through a run's networks: what a method asks of the hardware."""

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
        """What was counted since the last call; counting begins anew."""
        taken = Passes(self.with_gradients, self.without_gradients)
        self.with_gradients = self.without_gradients = 0
        return taken

    def __deepcopy__(self, memo: dict[int, Any]) -> "Passes":
        # The copy of a network, an average for example, belongs to the same run.
        return self
