"""Compare a method's time and budget with cross-entropy, from the results of one track.

On a CPU, other programs make the elapsed time of a run longer, so processor times are compared.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lnlbench.errors import DataError
from lnlbench.leaderboard import text
from lnlbench.leaderboard.runs import Runs, runs_by_row
from lnlbench.results.schema import OFF_TRACK, Result
from lnlbench.results.store import ResultStore, read_result

BASELINE = "ce"

# The names that results give to the time of a run.
ELAPSED = "wall_seconds"
PROCESSOR = "processor_seconds"
# The names that results give to a method's budget in a mean epoch.
STEPS = "steps_per_epoch"
TRAINING_PASSES = "training_passes_per_epoch"
INFERENCE_PASSES = "inference_passes_per_epoch"

Some = TypeVar("Some", bound=Runs)


@dataclass(frozen=True)
class RelativeCost:
    """Mean seconds of a method's finished runs and of the baseline on the same hardware.

    `time` is what was measured, under the name that results give to it.
    """

    track: str
    recipe: str
    hardware: tuple[str, ...]
    seeds: int
    time: str
    seconds: float
    baseline_seconds: float

    @property
    def times_ce(self) -> float:
        """The method's time divided by the time of the baseline."""
        return self.seconds / self.baseline_seconds


def compared_time(hardware: Sequence[str]) -> str:
    """The time that is compared on this hardware, under the name that results give to it."""
    on_cpu = bool(hardware) and all(name.startswith("CPU") for name in hardware)
    return PROCESSOR if on_cpu else ELAPSED


def comparable_seconds(runs: Runs, baseline: Runs | None) -> tuple[str, float, float] | None:
    """Name the time that is compared, and give its means for these runs and for the baseline.

    None: the two cannot be compared.
    """
    # Times on other hardware cannot be compared.
    if baseline is None or runs.hardware != baseline.hardware:
        return None
    name = compared_time(baseline.hardware)
    own, other = runs.cost(name), baseline.cost(name)
    return (name, own, other) if own is not None and other else None


def budget_ratio(name: str, runs: Runs, baseline: Runs | None) -> float | None:
    """A part of the budget divided by the baseline's part, on any hardware."""
    own, other = runs.cost(name), baseline.cost(name) if baseline else None
    return own / other if own is not None and other else None


def baseline_of(rows: Iterable[Some]) -> Some | None:
    """The runs of plain cross-entropy among those of one track."""
    return next((row for row in rows if (row.method, row.recipe) == (BASELINE, "matched")), None)


def time_of_all(rows: Iterable[Runs]) -> str:
    """How long the finished runs of these rows took, one after another."""
    seconds = (result.cost.wall_seconds for row in rows for result in row.finished)
    return text.duration(sum(seconds))


def relative_costs(store: ResultStore, method: str) -> list[RelativeCost]:
    """What a method costs on each track that has results of it and of plain cross-entropy.

    By track and recipe. Only the files of these two methods are read.
    """
    tracks = sorted(path.name for path in store.folder.glob("*") if path.name != OFF_TRACK)
    costs = []
    for track in tracks:
        baseline = baseline_of(runs_by_row(_finished(store, track, BASELINE)))
        for runs in runs_by_row(_finished(store, track, method)):
            seconds = comparable_seconds(runs, baseline)
            if seconds is not None:
                seeds = len(runs.finished)
                costs.append(RelativeCost(track, runs.recipe, runs.hardware, seeds, *seconds))
    return sorted(costs, key=lambda cost: (cost.track, cost.recipe))


def _finished(store: ResultStore, track: str, method: str) -> Iterator[Result]:
    for path in sorted((store.folder / track / method).glob("*.json")):
        try:
            result = read_result(path)
        except DataError:
            continue  # `lnlbench leaderboard --check` reports it
        if result.status == "done" and path == store.path_for(result):
            yield result
