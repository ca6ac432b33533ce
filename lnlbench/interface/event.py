"""What a method reports beside numbers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """Something out of the ordinary that a method met and survived."""

    epoch: int
    event: str
    detail: str
