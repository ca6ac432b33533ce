"""Several methods on several tracks: do their ranks differ by more than chance?

Source: Demšar, Statistical Comparisons of Classifiers over Multiple Data Sets, JMLR 7, 2006.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lnlbench.results.statistics import SIGNIFICANCE


@dataclass(frozen=True)
class RankComparison:
    """`ranks[track][method]`, 1 the best and equal ones averaged; each method's average.

    `p_value` is of Friedman's test that all methods are alike. By Nemenyi's test two methods are
    told apart when their averages differ by `critical_difference` or more; it counts only where
    Friedman's test rejects.
    """

    ranks: list[list[float]]
    averages: list[float]
    p_value: float
    critical_difference: float

    @property
    def distinguishable(self) -> bool:
        """Whether any claim can be made."""
        return self.p_value < SIGNIFICANCE


def compare_ranks(scores: Sequence[Sequence[float]]) -> RankComparison:
    """Compare `scores[track][method]`, higher is better; at least 3 methods and 2 tracks."""
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
