"""A sweep whose output is an object store: its lease, its results, and its mirrored runs."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from lnlbench.spec.run_spec import RunSpec
from lnlbench.sweep.executor import Executor
from lnlbench.sweep.plan import Plan
from lnlbench.sweep.store.lease import Lease
from lnlbench.sweep.store.mirroring_executor import MirroringExecutor, begun_runs
from lnlbench.sweep.store.object_store import ObjectStore
from lnlbench.sweep.store.results import StoreResults
from lnlbench.system.console import Console


class StoredSweep:
    """Everything that a sweep does with its store, from the first look to the last result.

    Raises:
        UsageError: the URL is invalid, holds a secret, or needs a package that is not installed.
    """

    def __init__(self, url: str, output: Path, console: Console) -> None:
        self._console = console
        self._output = output
        self._store = ObjectStore(url)
        self._lease = Lease(self._store)
        self._results = StoreResults(self._store, self._lease, output, self._say)

    def held(self, take_over: str | None) -> AbstractContextManager[None]:
        """Hold the store against other sweeps while the block runs."""
        return self._lease.held(take_over, self._say)

    def pull(self, specs: Sequence[RunSpec]) -> set[str]:
        """Copy the results of the runs' tracks; returns the folders of runs that have begun."""
        tracks = sorted({spec.track for spec in specs})
        self._results.pull(tracks)
        return begun_runs(self._store, tracks)

    def push_done(self, plan: Plan) -> None:
        """Push results that only this machine has."""
        self._results.push_missing(run.spec for run in plan.runs if run.state == "done")

    def mirrored(self, executor: Executor) -> MirroringExecutor:
        """An executor that mirrors the runs of another executor."""
        return MirroringExecutor(
            executor, self._store, self._lease, self._results, self._output, self._say
        )

    def push_failure(self, file: Path) -> None:
        """Push the failed result that the sweep itself has written."""
        self._results.push(file)

    def finish(self) -> bool:
        """Retry the results that could not be pushed; returns whether the store has all now."""
        return self._results.finish()

    def _say(self, text: str) -> None:
        # Names and errors come from the store and must not be read as markup.
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
