"""The runs of one row of a table, and everything that depends on these runs only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from math import fsum
from typing import Any

from lnlbench.results.identity import row_identity
from lnlbench.results.schema import Result
from lnlbench.results.scores import RANKED_SCORE, SCORES
from lnlbench.results.statistics import Summary, summarize
from lnlbench.results.tuning import Tuning

NOT_STATED = "not stated"


@dataclass(frozen=True)
class Runs:
    """The results of one row, by seed: at least one. Accuracies are fractions."""

    results: tuple[Result, ...]

    @cached_property
    def finished(self) -> tuple[Result, ...]:
        """The runs that are done, by seed."""
        return tuple(result for result in self.results if result.status == "done")

    @cached_property
    def unfinished(self) -> tuple[Result, ...]:
        """All other runs, by seed."""
        return tuple(result for result in self.results if result.status != "done")

    @cached_property
    def first(self) -> Result:
        """A run from which to read what all runs of a row share."""
        return (self.finished or self.unfinished)[0]

    @property
    def track(self) -> str:
        """The track, also of runs that override it."""
        return self.first.track

    @property
    def overrides(self) -> dict[str, Any] | None:
        """What the runs changed in their track; None if they changed nothing."""
        return self.first.off_track.overrides if self.first.off_track else None

    @property
    def method(self) -> str:
        """The method's name."""
        return self.first.method.name

    @property
    def recipe(self) -> str:
        """The recipe's name."""
        return self.first.method.recipe

    @property
    def params(self) -> dict[str, Any]:
        """All parameters of the method."""
        return self.first.method.params

    @property
    def networks(self) -> int:
        """How many networks the method trains."""
        return self.first.method.networks

    @property
    def network(self) -> str:
        """The backbone's name."""
        return str(self.first.own_protocol.get("backbone", NOT_STATED))

    @cached_property
    def tuning(self) -> Tuning | None:
        """The search that found the recipe, if one did."""
        return self.first.tuning

    @cached_property
    def distributions(self) -> tuple[str, ...]:
        """The packages that provided the method, with their versions."""
        return _distinct(f"{r.method.distribution} {r.method.version}" for r in self.results)

    @cached_property
    def oracle(self) -> tuple[str, ...]:
        """Privileged knowledge that any of the runs had."""
        return _distinct(name for result in self.results for name in result.method.oracle)

    @cached_property
    def hardware(self) -> tuple[str, ...]:
        """The devices of the runs that state theirs."""
        return self._environment("device")

    @cached_property
    def precision(self) -> tuple[str, ...]:
        """The precisions of the runs that state theirs."""
        return self._environment("precision")

    @cached_property
    def by_seed(self) -> dict[int, float]:
        """The ranked score of each finished run."""
        return {result.seed: getattr(result.scores, RANKED_SCORE) for result in self.finished}

    @cached_property
    def accuracy(self) -> Summary | None:
        """The ranked score over seeds; None without a finished run."""
        return summarize(list(self.by_seed.values())) if self.by_seed else None

    @cached_property
    def scores(self) -> dict[str, float | None]:
        """The mean of each score over the finished runs; None if a run has no value for it."""
        return {
            score.name: _mean([getattr(result.scores, score.name) for result in self.finished])
            for score in SCORES
        }

    @cached_property
    def wall_seconds(self) -> float | None:
        """Mean duration of the finished runs."""
        return self.cost("wall_seconds")

    @cached_property
    def peak_memory_bytes(self) -> int | None:
        """The largest peak memory of the finished runs."""
        known = [result.cost.peak_memory_bytes for result in self.finished]
        return max((size for size in known if size is not None), default=None)

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The hashes of the method's code in the finished runs that have one."""
        hashes = (result.method.source_sha256 for result in self.finished)
        return _distinct(stored for stored in hashes if stored is not None)

    def cost(self, name: str) -> float | None:
        """The mean of a cost over the finished runs; None if a run has no value for it."""
        return _mean([result.cost.model_dump().get(name) for result in self.finished])

    @property
    def status(self) -> str:
        """How many runs ended how, such as "2 done, 1 diverged"."""
        endings = sorted(result.status for result in self.unfinished)
        counts = [("done", len(self.by_seed))] if self.by_seed else []
        counts += [(status, len(list(runs))) for status, runs in groupby(endings)]
        return ", ".join(f"{count} {status}" for status, count in counts)

    def _environment(self, key: str) -> tuple[str, ...]:
        stated = (result.environment for result in self.results)
        return _distinct(str(environment[key]) for environment in stated if key in environment)


def runs_by_row(results: Iterable[Result]) -> list[Runs]:
    """The results, grouped into rows."""
    rows: dict[str, list[Result]] = {}
    for result in results:
        rows.setdefault(row_identity(result), []).append(result)
    return [
        Runs(tuple(sorted(row, key=lambda result: (result.seed, result.fingerprint))))
        for row in rows.values()
    ]


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


def _mean(values: Sequence[float | None]) -> float | None:
    # None if any is missing: a mean over fewer seeds than the row names would mislead.
    known = [value for value in values if value is not None]
    return fsum(known) / len(known) if known and len(known) == len(values) else None
