"""Time tasks: one after another in this process, or in processes whose epochs take turns."""

from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from lnlbench.bench.epoch_timer import Setting
from lnlbench.bench.timing import Timing, bench_method
from lnlbench.errors import LnlbenchError, RunError, UsageError
from lnlbench.tracks import Protocol


@dataclass(frozen=True)
class Task:
    """What one process times, as plain values that another process can send.

    If its method has nothing to time, a `required` task fails, and another task is left out.
    """

    method: str
    params: dict[str, Any]
    protocol: Protocol
    setting: Setting
    device: str
    option: str = ""
    labeled_share: float | None = None
    required: bool = False


def time_groups(groups: list[list[Task]], in_turns: bool) -> list[list[Timing]]:
    """Time all tasks; with `in_turns`, each group in processes whose epochs take turns.

    Raises:
        UsageError: a required task's method trains no network step by step.
        LnlbenchError: the process of a task raised an error, or died.
    """
    timed = []
    for group in groups:
        found = time_in_turns(group) if in_turns else [time_task(task) for task in group]
        for task, timing in zip(group, found, strict=True):
            if task.required and timing is None:
                raise UsageError(
                    f"Method {task.method!r} trains no network step by step, so it has no floor. "
                    "Choose another --method."
                )
        timed.append([timing for timing in found if timing is not None])
    return timed


def time_task(task: Task, pause: Callable[[], None] = lambda: None) -> Timing | None:
    """Time the task in this process; None if its method takes no step."""
    from lnlbench.bench.division import with_labeled_share
    from lnlbench.plugins import load_plugins
    from lnlbench.runner.devices import resolve_device

    method = with_labeled_share(load_plugins().method(task.method), task.labeled_share)
    built = method(method.Params(**task.params))
    device = resolve_device(task.device)
    return bench_method(built, task.protocol, task.setting, device, task.option, pause)


def time_in_turns(tasks: list[Task]) -> list[Timing | None]:
    """Time the tasks in turns, epoch by epoch, so that a drift of the machine affects all of them.

    Raises:
        LnlbenchError: a task's process raised an error, or died.
    """
    workers = [_Worker(task) for task in tasks]
    try:
        for worker in workers:
            worker.receive()  # It has started: no process may start while bench times another.
        waiting = list(workers)
        while waiting:
            waiting = [worker for worker in waiting if not worker.take_turn()]
    finally:
        for worker in workers:
            worker.end()
    return [worker.timing for worker in workers]


class _Worker:
    """A process that times one task and trains one epoch in each turn."""

    def __init__(self, task: Task) -> None:
        context = get_context("spawn")
        self._connection, remote = context.Pipe()
        self._process: BaseProcess = context.Process(target=_work, args=(task, remote), daemon=True)
        self._process.start()
        remote.close()
        self.timing: Timing | None = None

    def take_turn(self) -> bool:
        """Let the process train one epoch; return whether it is done."""
        self._connection.send(None)
        kind, self.timing = self.receive()
        return kind == "done"

    def receive(self) -> tuple[str, Any]:
        """The process's next message; raises its error if it failed."""
        try:
            kind, content = self._connection.recv()
        except EOFError as error:
            raise RunError(
                "A process that times a setting has died; see the messages above."
            ) from error
        if kind == "failed":
            raise content
        return kind, content

    def end(self) -> None:
        """End the process, whatever it does."""
        self._connection.close()
        self._process.join(timeout=5)
        self._process.kill()


def _work(task: Task, connection: Connection) -> None:
    def turn(message: str) -> None:
        connection.send((message, None))
        connection.recv()

    try:
        import lnlbench.plugins  # noqa: F401 - slow to import, and before the first turn

        turn("started")
        timing = time_task(task, lambda: turn("paused"))
        connection.send(("done", timing))
    except LnlbenchError as error:
        connection.send(("failed", error))
    except (EOFError, BrokenPipeError):
        return  # the parent has closed the connection
