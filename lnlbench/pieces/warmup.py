"""The length of a warm-up: papers state epochs of the schedule that their authors trained."""


def warmup_length(epochs: int | None, share: float, max_epochs: int) -> int:
    """The epochs of a warm-up: `epochs` if given, else a share of the run, at least one."""
    return max(1, round(share * max_epochs)) if epochs is None else epochs
