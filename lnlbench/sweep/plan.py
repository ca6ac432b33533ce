"""The plan of a sweep: which runs are done, which are missing, and how long these will take."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lnlbench.plugins import Catalogue
from lnlbench.results import Result, ResultStore
from lnlbench.runner.costs import Costs
from lnlbench.runner.directory import RunDirectory
from lnlbench.spec.check import refusal
from lnlbench.spec.run_spec import RunSpec

State = Literal["done", "refused", "failed", "diverged", "interrupted", "resumable", "missing"]


@dataclass(frozen=True)
class PlannedRun:
    """A run, its state, and the seconds that it should take (None if unknown).

    `reason` says why its track refuses the run.
    """

    spec: RunSpec
    directory: RunDirectory
    state: State
    seconds: float | None
    reason: str | None = None

    @property
    def missing(self) -> bool:
        """Whether the run is neither done nor refused by its track."""
        return self.state not in ("done", "refused")


@dataclass(frozen=True)
class Plan:
    """All runs of a sweep; `peak_memory` is the largest recorded peak of such runs, in bytes."""

    runs: list[PlannedRun]
    peak_memory: int | None

    @property
    def missing(self) -> list[PlannedRun]:
        """The runs that are neither done nor refused by their tracks."""
        return [run for run in self.runs if run.missing]

    @property
    def seconds(self) -> float | None:
        """The seconds that the missing runs take in a row; None if one of them is unknown."""
        return total([run.seconds for run in self.missing])


def make_plan(
    specs: list[RunSpec], output: Path, plugins: Catalogue, begun: Collection[str] = ()
) -> Plan:
    """The plan of the specs: the results below an output folder, by fingerprint, say what is done.

    `begun` holds the folders (below the output folder) of runs that a store allows to resume.
    """
    store = ResultStore(output / "leaderboards")
    tracks = sorted({spec.track for spec in specs})
    # A broken file does not stop the plan: the run that it belongs to says what to do with it.
    results = [result for track in tracks for result in store.load_all(track)[0]]
    stored = {result.fingerprint: result for result in results}
    costs = Costs(results)
    runs = []
    for spec in specs:
        directory = RunDirectory.of_spec(output, spec)
        result = stored.get(spec.fingerprint)
        folder = directory.path.relative_to(output).as_posix()
        resumable = folder in begun or directory.checkpoint_file.exists()
        state = _state(result, resumable)
        reason = None if state == "done" else refusal(plugins, spec)
        if reason is not None:
            state = "refused"
        runs.append(PlannedRun(spec, directory, state, costs.seconds(spec), reason))
    peaks = [costs.peak(run.spec) for run in Plan(runs, None).missing]
    return Plan(runs, max(peaks, default=0) or None)


def total(durations: list[float | None]) -> float | None:
    """The sum of durations; None if one of them is unknown."""
    known = [seconds for seconds in durations if seconds is not None]
    return sum(known) if len(known) == len(durations) else None


def _state(result: Result | None, resumable: bool) -> State:
    if result is not None and result.status == "done":
        return "done"
    if result is not None:
        return result.status
    return "resumable" if resumable else "missing"
