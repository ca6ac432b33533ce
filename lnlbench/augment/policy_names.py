"""The names of augmentation policies, read without torch."""

from lnlbench.errors import UsageError, unknown_name

MAX_MAGNITUDE = 30


def parse_policy(augment: str) -> tuple[int, int] | str | None:
    """The numbers of "randaugment:N:M", or "strong"; None for "weak" and "none": no policy.

    Raises:
        UsageError: an unknown name, or N or M out of bounds.
    """
    name, *numbers = augment.split(":")
    if augment in ("weak", "none"):
        return None
    if augment == "strong":
        return augment
    if name != "randaugment":
        allowed = ("weak", "none", "strong", "randaugment:N:M")
        raise unknown_name("augmentation", augment, allowed)
    if len(numbers) == 2 and all(number.isdecimal() for number in numbers):
        count, magnitude = map(int, numbers)
        if count >= 1 and magnitude <= MAX_MAGNITUDE:
            return count, magnitude
    raise UsageError(
        f"'randaugment:N:M' takes the number of operations, at least 1, and their magnitude, 0 to "
        f"{MAX_MAGNITUDE}, not {augment!r}. Example: randaugment:1:6"
    )
