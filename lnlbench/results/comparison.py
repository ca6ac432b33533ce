"""Compare a repeated run with its result on file: equal to the last bit, or how far off."""

from dataclasses import dataclass
from typing import Any, Literal

from lnlbench.results.schema import Result

RANKED = "test_accuracy_last10"

# Besides its spec and its code, these decide the last digits of a run's numbers.
_HARDWARE = ("torch", "platform", "device", "cpu_capability", "threads", "precision")

Verdict = Literal["equal", "close", "different", "not done"]


@dataclass(frozen=True)
class Comparison:
    """How a new result differs from the old one.

    `differing` names the curves, scores and other parts that are not equal to the last bit.
    `causes` says which hardware, versions and code differ. `off_by` is the distance of the ranked
    score from the old one, and `tolerance` the largest distance allowed.
    """

    differing: tuple[str, ...]
    causes: tuple[str, ...]
    off_by: float | None
    tolerance: float

    @property
    def verdict(self) -> Verdict:
        """Says whether the results are equal to the last bit, within the tolerance, or neither."""
        if self.off_by is None:
            return "not done"
        if not self.differing:
            return "equal"
        return "close" if self.off_by <= self.tolerance else "different"


def compare(old: Result, new: Result, tolerance: float) -> Comparison:
    """Compare what two runs of one spec measured, except times and dates.

    Scores and curves that only one of the two results has are ignored: a new version may add some.
    """
    one, other = old.scores.test_accuracy_last10, new.scores.test_accuracy_last10
    return Comparison(
        differing=tuple(_differing(old, new)),
        causes=tuple(_causes(old, new)),
        off_by=None if one is None or other is None else abs(one - other),
        tolerance=tolerance,
    )


def _differing(old: Result, new: Result) -> list[str]:
    pairs: dict[str, tuple[Any, Any]] = {
        "status": (old.status, new.status),
        "labels": (old.data.labels_sha256, new.data.labels_sha256),
        "noise rate": (old.data.noise_rate, new.data.noise_rate),
    }
    scores = new.scores.model_dump()
    for name, value in old.scores.model_dump().items():
        if value is not None and scores.get(name) is not None:
            pairs[f"score {name}"] = (value, scores[name])
    for name, values in old.curves.items():
        if name in new.curves:
            pairs[f"curve {name}"] = (values, new.curves[name])
    return [name for name, (one, other) in pairs.items() if one != other]


def _causes(old: Result, new: Result) -> list[str]:
    causes = []
    for name in _HARDWARE:
        was, now = old.environment.get(name), new.environment.get(name)
        if name in old.environment and was != now:
            causes.append(f"{name} was {was}, is {now}")
    was, now = old.method.source_sha256, new.method.source_sha256
    if was is not None and was != now:
        causes.append("the method's code was edited")
    was, now = old.method.version, new.method.version
    if was != now:
        causes.append(f"{new.method.distribution} was {was}, is {now}")
    return causes
