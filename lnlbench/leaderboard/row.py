"""One row of a table: a method with one recipe and one set of parameters, over its seeds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lnlbench.leaderboard import text
from lnlbench.leaderboard.cost import (
    STEPS,
    TRAINING_PASSES,
    baseline_of,
    budget_ratio,
    comparable_seconds,
)
from lnlbench.leaderboard.rank import Placing, in_order, placings
from lnlbench.leaderboard.runs import Runs, runs_by_row
from lnlbench.results.schema import Result
from lnlbench.results.statistics import Comparison, Summary, summarize


@dataclass(frozen=True)
class Row(Runs):
    """The runs of a row, and its comparison with the other rows of its table.

    `distinct_params` are the parameters that distinguish the row from rows of the same method and
    recipe. `times_ce`, `steps_times_ce` and `passes_times_ce` are its time, its optimizer steps and
    its passes with gradients, each divided by cross-entropy's; None if there is no such value.
    `label` replaces the name where a page gives its rows names of its own.
    """

    placing: Placing = field(default_factory=Placing)
    distinct_params: dict[str, Any] = field(default_factory=dict)
    times_ce: float | None = None
    steps_times_ce: float | None = None
    passes_times_ce: float | None = None
    gain: Summary | None = None
    label: str = ""

    @property
    def rank(self) -> int | None:
        """The rank, counted from 1; None for a row that is not ranked."""
        return self.placing.rank

    @property
    def best(self) -> bool:
        """Whether the table compares all other rows with this one."""
        return self.placing.best

    @property
    def comparison(self) -> Comparison | None:
        """The paired test against the best row."""
        return self.placing.comparison

    @property
    def is_reference(self) -> bool:
        """Whether the other rows are read against this one: plain cross-entropy, and oracles."""
        return bool(self.oracle) or baseline_of([self]) is not None

    @property
    def name(self) -> str:
        """The method, with the parameters that distinguish it from other rows of that name."""
        if self.label or not self.distinct_params:
            return self.label or self.method
        return f"{self.method} ({', '.join(f'{k}={v}' for k, v in self.distinct_params.items())})"

    @property
    def name_and_recipe(self) -> str:
        """The name, and the recipe unless it is the usual one."""
        return self.name if self.recipe == "matched" else f"{self.name}, {self.recipe}"

    @property
    def note(self) -> str:
        """What a reader may conclude from the row, in words."""
        if self.accuracy is None:
            return "no finished run"
        notes = []
        if self.tuning is not None:
            notes.append(f"tuned: {text.describe_search(self.tuning)}")
        if self.oracle:
            notes.append(f"oracle ({', '.join(self.oracle)}): not ranked")
        if len(self.sources) > 1:
            notes.append("seeds from different code")
        if self.best:
            notes.append("best")
        if self.accuracy.n == 1:
            notes.append("1 seed: no claim")
        elif self.comparison and self.comparison.no_claim:
            notes.append(f"no claim: {self.comparison.no_claim}")
        elif self.comparison and not self.comparison.distinguishable:
            notes.append("p ≥ 0.05")
        return "; ".join(notes)


def ranked_rows(results: Iterable[Result]) -> list[Row]:
    """The rows of one table, best mean first: ranked, compared, and related to cross-entropy."""
    runs = in_order(runs_by_row(results))
    baseline = baseline_of(runs)
    return [
        Row(
            each.results,
            placing,
            _distinct_params(each, runs),
            _times(each, baseline),
            budget_ratio(STEPS, each, baseline),
            budget_ratio(TRAINING_PASSES, each, baseline),
            _gain(each, baseline),
        )
        for each, placing in zip(runs, placings(runs), strict=True)
    ]


def unranked_rows(results: Iterable[Result]) -> list[Row]:
    """Rows without ranks, because they are not comparable with each other; best mean first."""
    runs = in_order(runs_by_row(results))
    return [Row(each.results, distinct_params=_distinct_params(each, runs)) for each in runs]


def _distinct_params(row: Runs, rows: Sequence[Runs]) -> dict[str, Any]:
    """Those parameters of the row that differ between rows of its method and recipe."""
    peers = [each for each in rows if (each.method, each.recipe) == (row.method, row.recipe)]
    return {
        name: row.params[name]
        for name in sorted(row.params)
        if any(each.params.get(name) != row.params[name] for each in peers)
    }


def _gain(row: Runs, baseline: Runs | None) -> Summary | None:
    if baseline is None or row is baseline:
        return None
    common = sorted(row.by_seed.keys() & baseline.by_seed.keys())
    return summarize([row.by_seed[s] - baseline.by_seed[s] for s in common]) if common else None


def _times(row: Runs, baseline: Runs | None) -> float | None:
    seconds = comparable_seconds(row, baseline)
    return None if seconds is None else seconds[1] / seconds[2]
