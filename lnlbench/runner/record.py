"""What a run has measured so far; its checkpoint keeps this, and its result is made from it."""

import math
from dataclasses import dataclass, field
from typing import Any

from lnlbench.interface.event import Event
from lnlbench.networks.passes import Passes


@dataclass
class Record:
    """Curves (one value per epoch), events, diagnostics, and costs.

    Costs are seconds that passed, seconds of processor time, images drawn, optimizer steps, and
    samples that passed through networks.
    """

    epochs: int = 0
    curves: dict[str, list[float | None]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    diagnostics: dict[str, Any] = field(default_factory=lambda: {"snapshots": []})
    wall_seconds: float = 0.0
    processor_seconds: float = 0.0
    train_seconds: float = 0.0
    train_images: int = 0
    steps: int = 0
    passes_with_gradients: int = 0
    passes_without_gradients: int = 0

    def add(self, values: dict[str, float | None]) -> None:
        """Append one epoch; a curve that begins late or pauses holds None for epochs without it."""
        for name in values.keys() | self.curves.keys():
            curve = self.curves.setdefault(name, [None] * self.epochs)
            value = values.get(name)
            # A result file holds finite numbers or null.
            curve.append(value if value is not None and math.isfinite(value) else None)
        self.epochs += 1

    def add_costs(self, seconds: float, images: int, steps: int, passes: Passes) -> None:
        """Add what one epoch cost: seconds of training, images drawn, steps, network passes."""
        self.train_seconds += seconds
        self.train_images += images
        self.steps += steps
        self.passes_with_gradients += passes.with_gradients
        self.passes_without_gradients += passes.without_gradients

    def document(self) -> dict[str, Any]:
        """The record as plain values, for a checkpoint."""
        events = [[event.epoch, event.event, event.detail] for event in self.events]
        return {**vars(self), "events": events}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Record":
        """The record from a checkpoint's plain values."""
        return cls(**{**document, "events": [Event(*event) for event in document["events"]]})
