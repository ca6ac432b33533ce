"""An executor whose runs are mirrored in an object store, around any other executor.

Only the driver, which holds the lease, begins attempts and takes results. The process of a run
writes only below its own attempt, so a process that was lost and still runs does no harm.
"""

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from lnlbench.errors import LnlbenchError, RunError
from lnlbench.sweep.engine import read_output
from lnlbench.sweep.executor import Ended, Executor, Job
from lnlbench.sweep.process import Exit
from lnlbench.sweep.store.lease import Lease
from lnlbench.sweep.store.mirror import (
    DATA_NAME,
    SPEC_NAME,
    STATE_NAME,
    Attempt,
    Mirror,
)
from lnlbench.sweep.store.mirrored_run import RETRY_SECONDS
from lnlbench.sweep.store.object_store import ObjectStore, StoreError
from lnlbench.sweep.store.results import StoreResults

POLL_SECONDS = 0.05
BEGIN_SECONDS = 1.0
_ATTEMPT = re.compile(r"/attempt-(\d+)/(.+)$")


class MirroringExecutor:
    """Runs jobs on another executor, each beside a mirror of its directory."""

    def __init__(
        self,
        executor: Executor,
        store: ObjectStore,
        lease: Lease,
        results: StoreResults,
        output: Path,
        say: Callable[[str], None],
    ) -> None:
        self.slots = executor.slots
        self._executor = executor
        self._store = store
        self._lease = lease
        self._results = results
        self._output = output
        self._say = say
        # Jobs that wait until the store can be reached, and jobs that were begun.
        self._waiting: list[Job] = []
        self._given: dict[str, tuple[Job, Attempt]] = {}
        self._next_try = 0.0
        self._stopped = False

    def start(self, job: Job) -> None:
        """Take a job; it starts once the store has its attempt."""
        self._waiting.append(job)

    def wait(self) -> list[Ended]:
        """The jobs that have ended; their results are then in the output folder and the store.

        Raises:
            RunError: the lease is lost.
        """
        self._lease.renew(self._say)
        if self._waiting and time.monotonic() >= self._next_try:
            self._begin_waiting()
        if not self._given:
            time.sleep(POLL_SECONDS)
            return self._dropped()
        return [self._end(ended) for ended in self._executor.wait()] + self._dropped()

    def progress(self) -> list[tuple[Job, str]]:
        """The running jobs whose logs are on this machine."""
        return self._executor.progress()

    def stop(self) -> None:
        """Ask all jobs to keep their state and end, and begin no more jobs."""
        self._stopped = True
        self._executor.stop()

    def kill(self) -> None:
        """End all jobs at once."""
        self._executor.kill()

    def bring_state(self, job: Job) -> None:
        """Fetch the store's state of a run that failed elsewhere, to record its failure."""
        try:
            attempts = _attempts(self._store.names(self._run(job)))
            source = _latest(attempts)
            if source is not None:
                attempt = Attempt(self._run(job), max(attempts), source)
                Mirror(self._store, attempt, job.directory.path).fetch()
        except LnlbenchError as error:
            self._say(f"{error} The failure of {job.title} is recorded without its epochs.")

    def _begin_waiting(self) -> None:
        began = time.monotonic()
        try:
            self._lease.verify()
            # A cluster takes many jobs at once; jobs that end meanwhile must not wait for this.
            while self._waiting and not self._stopped and time.monotonic() - began < BEGIN_SECONDS:
                job = self._waiting[0]
                attempt = self._begin(job)
                place = (self._store.url, attempt.run, str(attempt.number))
                source = str(attempt.source or 0)
                arguments = ("mirrored", *place, source, str(job.directory.path), *job.arguments)
                self._given[job.spec.fingerprint] = (job, attempt)
                self._executor.start(replace(job, arguments=arguments))
                del self._waiting[0]
        except StoreError as error:
            self._next_try = time.monotonic() + RETRY_SECONDS
            self._say(f"{error} {self._waiting[0].title} waits; running jobs continue.")

    def _dropped(self) -> list[Ended]:
        """The jobs that still wait when the sweep stops; they end without having begun."""
        if not self._stopped:
            return []
        jobs, self._waiting = self._waiting, []
        return [Ended(job, Exit(None, "", (), 0.0)) for job in jobs]

    def _end(self, ended: Ended) -> Ended:
        job, attempt = self._given.pop(ended.job.spec.fingerprint)
        result, _ = read_output(ended.exit.output)
        if result is not None and result.status != "interrupted":
            self._results.add(result)
            if result.status == "done":
                self._clear(attempt)
        return Ended(job, ended.exit)

    def _run(self, job: Job) -> str:
        return job.directory.path.relative_to(self._output).as_posix()

    def _begin(self, job: Job) -> Attempt:
        """A new numbered attempt with its spec; it resumes the last earlier attempt with a state.

        An earlier attempt that still writes does so below its own number.
        """
        run = self._run(job)
        names = self._store.names(run)
        attempts = _attempts(names)
        attempt = Attempt(run, max(attempts, default=0) + 1, _latest(attempts))
        if not self._store.create(attempt.name(SPEC_NAME), job.directory.spec_file.read_bytes()):
            raise RunError(
                f"{self._store.url_of(attempt.name(SPEC_NAME))} was written after this sweep "
                "looked: another sweep works on this store. Stop one of them."
            )
        if job.locations:
            self._store.write(attempt.name(DATA_NAME), job.directory.data_file.read_bytes())
        self._store.remove([name for name in names if _number(name) not in (None, attempt.source)])
        return attempt

    def _clear(self, attempt: Attempt) -> None:
        """Remove the earlier attempts at a run that is done."""
        if attempt.number == 1:
            return
        try:
            names = self._store.names(attempt.run)
            kept = (None, attempt.number)
            self._store.remove([name for name in names if _number(name) not in kept])
        except StoreError as error:
            self._say(f"{error} It stays in the store but is no longer needed.")


def begun_runs(store: ObjectStore, tracks: Iterable[str]) -> set[str]:
    """The folders of runs on these tracks whose state a store has."""
    names = [name for track in tracks for name in store.names(f"runs/{track}")]
    return {name.rsplit("/", 2)[0] for name in names if name.endswith(f"/{STATE_NAME}")}


def _attempts(names: Iterable[str]) -> dict[int, set[str]]:
    """The files of each attempt, by its number."""
    attempts: dict[int, set[str]] = {}
    for name in names:
        if match := _ATTEMPT.search(name):
            attempts.setdefault(int(match[1]), set()).add(match[2])
    return attempts


def _latest(attempts: dict[int, set[str]]) -> int | None:
    return max((number for number, files in attempts.items() if STATE_NAME in files), default=None)


def _number(name: str) -> int | None:
    match = _ATTEMPT.search(name)
    return None if match is None else int(match[1])
