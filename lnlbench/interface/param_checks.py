"""Checks of parameters that a bound cannot express, for `Annotated[…, AfterValidator(check)]`.

They stand in a module without torch, so that parameters can be checked without importing a method.
"""

from pydantic import ValidationInfo

Stages = tuple[tuple[float, int], ...]


def share_or_word(value: float | str) -> float | str:
    """A number in [0, 1), or the word that the type allows.

    Raises:
        ValueError: another number.
    """
    if not isinstance(value, str) and not 0 <= value < 1:
        raise ValueError('give a number in [0, 1), or "estimate"')
    return value


def covers_the_training(stages: Stages) -> Stages:
    """Pairs of a rate in [0, 1) and the percent of the training for which it holds.

    Raises:
        ValueError: the percents do not sum to 100, or a rate is not in [0, 1).
    """
    shares = [percent for _, percent in stages]
    if sum(shares) != 100 or any(percent < 1 for percent in shares):
        raise ValueError(f"the percents are positive and sum to 100, not to {sum(shares)}")
    if not all(0 <= rate < 1 for rate, _ in stages):
        raise ValueError("a dropout rate is in [0, 1)")
    return stages


def given_or_learned(mentor: str | None, others: ValidationInfo) -> str | None:
    """A mentor, or None with a burn-in in which one is learned.

    Raises:
        ValueError: None with a burn-in that leaves no time to learn.
    """
    if mentor is None and others.data.get("burn_in", 100) < 2:
        raise ValueError("without a mentor, burn_in is at least 2: it is learned meanwhile")
    return mentor
