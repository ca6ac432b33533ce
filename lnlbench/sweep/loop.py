"""The loop that runs jobs on an executor while it has room, until a signal comes."""

from abc import ABC, abstractmethod

from lnlbench.sweep.executor import Ended, Executor, Job
from lnlbench.system.interruption import StopRequest, stop_on_signals


class JobLoop(ABC):
    """Runs jobs until all have ended or a signal comes.

    Subclasses choose the jobs and judge how each one ended. `_running` is the number of running
    jobs.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._running = 0
        self._stop = StopRequest()

    @property
    def _stopping(self) -> bool:
        return self._stop.signal_name is not None

    def _drive(self) -> None:
        """Run jobs; after SIGINT or SIGTERM, end the running jobs and keep their state.

        Raises:
            KeyboardInterrupt: a second signal came; no job runs any more.
        """
        asked = False
        with stop_on_signals() as self._stop:
            try:
                while True:
                    self._fill()
                    if not self._running:
                        return
                    if self._stopping and not asked:
                        asked = True
                        self._announce_stop()
                        self._executor.stop()
                    for ended in self._executor.wait():
                        self._running -= 1
                        self._judge(ended)
                    self._tick()
            finally:
                # Jobs still run here only after an error or a second signal.
                self._executor.kill()

    def _fill(self) -> None:
        while self._running < self._executor.slots and not self._stopping:
            job = self._next()
            if job is None:
                return
            self._executor.start(job)
            self._running += 1
            self._announce(job)

    @abstractmethod
    def _next(self) -> Job | None:
        """The job to start now; None if there is no job to start."""

    @abstractmethod
    def _judge(self, ended: Ended) -> None:
        """Note how a job ended; the subclass may queue it again."""

    @abstractmethod
    def _announce(self, job: Job) -> None:
        """Say that a job has been started."""

    @abstractmethod
    def _announce_stop(self) -> None:
        """Say that the running jobs are asked to stop."""

    @abstractmethod
    def _tick(self) -> None:
        """Show from time to time how far the jobs are."""
