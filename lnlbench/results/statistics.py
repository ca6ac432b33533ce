"""The tests: means over seeds, rows against the best row, methods' ranks over several tracks."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95
SIGNIFICANCE = 0.05
MIN_COMMON_SEEDS = 3

# Smaller differences are only rounding; a real difference is at least one image.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Summary:
    """The mean over seeds. For one seed, which has no spread, the other fields are None."""

    n: int
    mean: float
    std: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Comparison:
    """A row's paired test against the best row; `p_value` is None when the test allows no claim."""

    p_value: float | None
    common_seeds: int
    no_claim: str | None = None

    @property
    def distinguishable(self) -> bool:
        """Whether the corrected test finds the row different from the best row."""
        return self.p_value is not None and self.p_value < SIGNIFICANCE


def summarize(values: Sequence[float]) -> Summary:
    """Mean, standard deviation (n - 1) and 95 % t interval; `values` must not be empty."""
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
    """Paired two-sided t-tests of rows against the best row, Holm-corrected over the rows.

    Each row maps a seed to its score; each seed that both rows have makes one pair.
    """
    raw = [_paired_test(best, other) for other in others]
    tested = [i for i, comparison in enumerate(raw) if comparison.p_value is not None]
    if not tested:
        return raw
    corrected = holm([p for comparison in raw if (p := comparison.p_value) is not None])
    for i, p_value in zip(tested, corrected, strict=True):
        raw[i] = Comparison(p_value, raw[i].common_seeds)
    return raw


def holm(p_values: Sequence[float]) -> list[float]:
    """P values corrected for how many there are, in the given order.

    Source: Holm, A Simple Sequentially Rejective Multiple Test Procedure, Scand. J. Stat. 6, 1979.
    """
    corrected, highest = [0.0] * len(p_values), 0.0
    for place, i in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        # A larger p value never ends below a smaller one.
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[i]))
        corrected[i] = highest
    return corrected


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


@dataclass(frozen=True)
class RankComparison:
    """`ranks[track][method]` (1 is best, equal scores share their mean rank) and their averages.

    `p_value` belongs to Friedman's test that all methods are alike. By Nemenyi's test two methods
    differ when their averages differ by `critical_difference` or more. It counts only if Friedman's
    test rejects.
    """

    ranks: list[list[float]]
    averages: list[float]
    p_value: float
    critical_difference: float

    @property
    def distinguishable(self) -> bool:
        """Whether the tests allow any claim."""
        return self.p_value < SIGNIFICANCE


def compare_ranks(scores: Sequence[Sequence[float]]) -> RankComparison:
    """Compare `scores[track][method]` (higher is better) of at least 3 methods and 2 tracks.

    Source: Demšar, Statistical Comparisons of Classifiers over Multiple Data Sets, JMLR 7, 2006.
    """
    import numpy
    from scipy import stats

    # Rounded, because equal scores may differ in the last bit of their means.
    values = numpy.round(numpy.asarray(scores, dtype=float), 12)
    tracks, methods = values.shape
    ranks = stats.rankdata(-values, axis=1)
    if (ranks == ranks[0, 0]).all():
        # All methods are equal on all tracks, and the statistic is 0 / 0.
        p_value = 1.0
    else:
        p_value = float(stats.friedmanchisquare(*values.T).pvalue)
    quantile = float(stats.studentized_range.ppf(1 - SIGNIFICANCE, methods, math.inf))
    difference = quantile / math.sqrt(2) * math.sqrt(methods * (methods + 1) / (6 * tracks))
    averages = [float(average) for average in ranks.mean(0)]
    return RankComparison(ranks.tolist(), averages, p_value, difference)
