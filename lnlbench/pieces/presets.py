"""Defaults that depend on the run: on its number of classes, or on its number of epochs.

Papers state one value for CIFAR-10 and one for CIFAR-100, and warm-ups as a number of epochs of
the schedule that their authors trained.
"""

from typing import TypeVar

# Papers tune for 10 and for 100 classes, and say nothing about numbers between them.
MANY_CLASSES = 100

Value = TypeVar("Value")


def preset(value: Value | None, *, few: Value, many: Value, num_classes: int) -> Value:
    """The value if there is one, else `many` from 100 classes on, else `few`."""
    if value is not None:
        return value
    return many if num_classes >= MANY_CLASSES else few


def warmup_length(epochs: int | None, share: float, max_epochs: int) -> int:
    """The epochs of a warm-up: `epochs` if given, else a share of the run, at least one."""
    return max(1, round(share * max_epochs)) if epochs is None else epochs
