"""What a method costs beside cross-entropy: measured wall time, from the results of one track."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import fsum

from lnlbench.errors import DataError
from lnlbench.results.schema import OFF_TRACK, Result
from lnlbench.results.store import ResultStore, read_result

BASELINE = "ce"


@dataclass(frozen=True)
class RelativeCost:
    """Mean wall seconds of a method's finished runs, and of the baseline's on the same hardware."""

    track: str
    recipe: str
    hardware: tuple[str, ...]
    seeds: int
    wall_seconds: float
    baseline_seconds: float

    @property
    def times_ce(self) -> float:
        """The method's time as a multiple of the baseline's."""
        return self.wall_seconds / self.baseline_seconds


def relative_costs(store: ResultStore, method: str) -> list[RelativeCost]:
    """What a method costs on each track that has results of it and of plain cross-entropy.

    By track and recipe. Only the files of these two methods are read.
    """
    tracks = sorted(path.name for path in store.folder.glob("*") if path.name != OFF_TRACK)
    costs = []
    for track in tracks:
        own = list(_finished(store, track, method))
        baseline = [
            each for each in _finished(store, track, BASELINE) if _recipe(each) == "matched"
        ]
        for recipe in sorted({_recipe(run) for run in own}):
            runs = [run for run in own if _recipe(run) == recipe]
            # Times on other hardware say nothing about the method.
            if baseline and _hardware(runs) == _hardware(baseline) and _seconds(baseline) > 0:
                costs.append(
                    RelativeCost(
                        track=track,
                        recipe=recipe,
                        hardware=_hardware(runs),
                        seeds=len(runs),
                        wall_seconds=_seconds(runs),
                        baseline_seconds=_seconds(baseline),
                    )
                )
    return costs


def _finished(store: ResultStore, track: str, method: str) -> Iterator[Result]:
    for path in sorted((store.folder / track / method).glob("*.json")):
        try:
            result = read_result(path)
        except DataError:
            continue  # `lnlbench leaderboard --check` is what reports it
        if result.status == "done" and path == store.path_for(result):
            yield result


def _recipe(result: Result) -> str:
    return result.method.recipe


def _hardware(runs: list[Result]) -> tuple[str, ...]:
    return tuple(sorted({str(run.environment.get("device", "not stated")) for run in runs}))


def _seconds(runs: list[Result]) -> float:
    return fsum(run.cost.wall_seconds for run in runs) / len(runs)
