"""What a method reports besides numbers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """Something unusual that a method met and handled."""

    epoch: int
    event: str
    detail: str
