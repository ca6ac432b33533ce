"""Defaults that the papers state for CIFAR-10 and for CIFAR-100: which of the two a run gets."""

# The papers tune for 10 and for 100 classes; in between nobody has.
MANY_CLASSES = 100


def preset(value: float | None, few: float, many: float, num_classes: int) -> float:
    """The value itself, or without one the paper's for 10 (`few`) or for 100 classes (`many`)."""
    if value is not None:
        return value
    return many if num_classes >= MANY_CLASSES else few


def warmup_length(epochs: int | None, share: float, max_epochs: int) -> int:
    """Epochs of warm-up: as given, or without a number a share of the run, at least one."""
    return epochs if epochs is not None else max(1, round(share * max_epochs))
