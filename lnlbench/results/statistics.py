"""What several seeds allow to say: a mean with its interval, and a paired test against the best."""

import gc
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95
SIGNIFICANCE = 0.05
MIN_COMMON_SEEDS = 3

# Differences closer than this are equal but for rounding; a real one is at least 1 image.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Summary:
    """The mean over seeds; the rest is None for one seed, which has no spread."""

    n: int
    mean: float
    std: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Comparison:
    """A row's paired test against the best row; `p_value` is None where no claim can be made."""

    p_value: float | None
    common_seeds: int
    no_claim: str | None = None

    @property
    def distinguishable(self) -> bool:
        """Whether the corrected test tells the row from the best one."""
        return self.p_value is not None and self.p_value < SIGNIFICANCE


def summarize(values: Sequence[float]) -> Summary:
    """Mean, standard deviation (n - 1) and 95 % t interval; at least one value."""
    import numpy
    from scipy import stats

    n = len(values)
    mean = math.fsum(values) / n
    if n == 1:
        return Summary(1, mean, None, None, None)
    # Sorted, so that the last digit does not depend on the order in which files were read.
    std = float(numpy.std(sorted(values), ddof=1))
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * std / math.sqrt(n)
    return Summary(n, mean, std, mean - half, mean + half)


def compare_with_best(
    best: Mapping[int, float], others: Sequence[Mapping[int, float]]
) -> list[Comparison]:
    """Paired two-sided t-tests of rows against the best one, Holm-corrected over the rows.

    Each row maps a seed to its score; a pair is one seed that both rows have.
    """
    from statsmodels.stats.multitest import multipletests

    raw = [_paired_test(best, other) for other in others]
    tested = [i for i, comparison in enumerate(raw) if comparison.p_value is not None]
    if not tested:
        return raw
    # multipletests collects garbage at each call: seconds per table when many results are loaded.
    gc.freeze()
    try:
        corrected = multipletests([raw[i].p_value for i in tested], method="holm")[1]
    finally:
        gc.unfreeze()
    for i, p_value in zip(tested, corrected, strict=True):
        raw[i] = Comparison(float(p_value), raw[i].common_seeds)
    return raw


def _paired_test(best: Mapping[int, float], other: Mapping[int, float]) -> Comparison:
    from scipy import stats

    seeds = sorted(best.keys() & other.keys())
    n = len(seeds)
    if n < MIN_COMMON_SEEDS:
        return Comparison(None, n, f"{n} seed{'' if n == 1 else 's'} in common with the best")
    differences = [best[seed] - other[seed] for seed in seeds]
    if max(differences) - min(differences) <= _ROUNDING:
        if abs(differences[0]) <= _ROUNDING:
            return Comparison(1.0, n)
        # The t statistic divides by the spread: rounding alone would decide how small p is.
        return Comparison(None, n, "the differences have no variance")
    test = stats.ttest_rel([best[seed] for seed in seeds], [other[seed] for seed in seeds])
    return Comparison(float(test.pvalue), n)
