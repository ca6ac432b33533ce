"""The plan of a sweep: which runs are done, which are missing, and how long these will take."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

from lnlbench.plugins import Plugins
from lnlbench.results import Result, ResultStore
from lnlbench.results.fingerprint import canonical_json
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

    def count(self, state: State) -> int:
        """How many runs are in each state."""
        return sum(run.state == state for run in self.runs)


class Costs:
    """Seconds per epoch and peak memory of recorded runs, by method and protocol."""

    def __init__(self, results: list[Result]) -> None:
        self._seconds: dict[str, list[float]] = {}
        self._peaks: dict[str, int] = {}
        for result in results:
            epochs = max(map(len, result.curves.values()), default=0)
            protocol = result.spec.get("protocol")
            if result.status != "done" or not epochs or not isinstance(protocol, dict):
                continue
            key = _key(result.method.name, protocol)
            self._seconds.setdefault(key, []).append(result.cost.wall_seconds / epochs)
            peak = result.cost.peak_memory_bytes or 0
            self._peaks[key] = max(peak, self._peaks.get(key, 0))

    def seconds(self, spec: RunSpec) -> float | None:
        """The expected duration of a run: the recorded median per epoch, times its epochs."""
        recorded = self._seconds.get(_key(spec.method, spec.document()["protocol"]))
        return median(recorded) * spec.protocol.epochs if recorded else None

    def peak(self, spec: RunSpec) -> int:
        """The largest recorded memory of such a run, in bytes; 0 if unknown."""
        return self._peaks.get(_key(spec.method, spec.document()["protocol"]), 0)


def make_plan(
    specs: list[RunSpec], output: Path, plugins: Plugins, begun: Collection[str] = ()
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


def _key(method: str, protocol: dict[str, Any]) -> str:
    # The time is proportional to the epochs, so they are left out of the key.
    return canonical_json([method, {k: v for k, v in protocol.items() if k != "epochs"}])
