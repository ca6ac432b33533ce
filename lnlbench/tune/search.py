"""Running a search: trials as processes of an executor, judged as they end."""

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from lnlbench.errors import EXIT_HELD, EXIT_USAGE, RunError, UsageError
from lnlbench.interface.method import Method
from lnlbench.runner.directory import RunDirectory
from lnlbench.sweep.engine import describe_end, error_message
from lnlbench.sweep.executor import Ended, Executor, Job
from lnlbench.sweep.loop import JobLoop
from lnlbench.sweep.process import LOG_NAME
from lnlbench.system.atomic import write_atomically
from lnlbench.system.console import Console
from lnlbench.system.text import duration, printable
from lnlbench.tune.definition import SearchDefinition
from lnlbench.tune.study import Study, seconds_of, values_of
from lnlbench.tune.trial import PLAN_NAME, TrialOutcome, TrialPlan

SAMPLES = "samples"
VERSIONS = "versions"


class Search(JobLoop):
    """A study, the executor that runs its trials, and the console that shows lines about them.

    `options` are the options of `lnlbench trial`, which also gets its folder. `locations` say where
    the data of a plugin lie.
    """

    def __init__(
        self,
        study: Study,
        method: type[Method],
        executor: Executor,
        options: tuple[str, ...],
        locations: Mapping[str, str],
        console: Console,
        retries: int,
    ) -> None:
        super().__init__(executor)
        self._study = study
        self._method = method
        self._options = options
        self._locations = locations
        self._console = console
        self._retries = retries
        [first, *_] = study.definition.specs(method, {})
        self._base = first.params
        self._waiting: deque[Job] = deque()
        self._trials = 0

    def run(self, trials: int) -> bool:
        """Run until this many trials have ended; returns False if a signal came first.

        Stopped trials keep their state, and the next search resumes them.

        Raises:
            UsageError: a trial was refused, as all others would be.
            RunError: the base itself could not be executed.
            KeyboardInterrupt: a second signal came; no trial runs any more.
        """
        for trial in self._study.ended():  # an earlier process may have been killed before it did
            self._drop_checkpoints(trial.number)
        self._waiting = deque(self._job(*each) for each in self._study.begun(self._base))
        self._trials = trials
        self._drive()
        return len(self._study.ended()) >= trials

    def _next(self) -> Job | None:
        if self._waiting:
            return self._waiting.popleft()
        if len(self._study.ended()) + self._running >= self._trials:
            return None
        return self._job(*self._study.begin(self._base))

    def _announce(self, job: Job) -> None:
        again = f", attempt {job.attempt}" if job.attempt > 1 else ""
        values = self._values(job)
        said = describe_values(values) if values else "the defaults"
        self._say(f"trial {_number(job)}: {said}{again}")

    def _announce_stop(self) -> None:
        self._say(
            f"Stopping: {self._running} trials keep their state after their step; "
            "the same command resumes them. A second Ctrl-C ends them at once."
        )

    def _tick(self) -> None:
        """Does nothing: a search prints only lines."""

    def _job(self, number: int, values: dict[str, Any]) -> Job:
        definition = self._study.definition
        specs = definition.specs(self._method, values)
        folder = self._study.trial_folder(number)
        plan = TrialPlan(definition=definition, number=number, specs=specs)
        write_atomically(folder / PLAN_NAME, (plan.model_dump_json(indent=2) + "\n").encode())
        directory = RunDirectory(folder)
        if self._locations:
            directory.write_locations(self._locations)
        return Job(specs[0], directory, ("trial", str(folder), *self._options))

    def _values(self, job: Job) -> dict[str, Any]:
        return values_of(self._study.trials()[_number(job)])

    def _judge(self, ended: Ended) -> None:
        number, end = _number(ended.job), ended.exit
        outcome = _read_outcome(end.output)
        if outcome is None or outcome.status == "interrupted":
            if self._stopping:
                self._say(f"trial {number}: interrupted")
                return
            if end.code in (EXIT_USAGE, EXIT_HELD):
                raise UsageError(error_message(end))
            reason = describe_end(end.code)
            if ended.job.attempt <= self._retries:
                self._say(f"trial {number}: {reason}. Trying again.")
                self._waiting.append(replace(ended.job, attempt=ended.job.attempt + 1))
                return
            last = printable(end.lines[-1]) if end.lines else ""
            outcome = TrialOutcome(status="failed", error=f"{reason}. Last line: {last}")
        self._keep(number, outcome)
        done = len(self._study.ended())
        seconds = duration(seconds_of(self._study.trials()[number]))
        what = f"{outcome.status}: {printable(outcome.error or '')}"
        if outcome.score is not None:
            what = describe_score(self._study.definition, outcome.score)
        self._say(f"[{done}/{self._trials}] trial {number}: {what}, {seconds}")
        if number == 0 and outcome.status == "failed":
            raise RunError(
                f"The defaults could not be executed, so nothing was searched: {outcome.error} "
                f"The log is {ended.job.directory.path / LOG_NAME}."
            )

    def _keep(self, number: int, outcome: TrialOutcome) -> None:
        trial = self._study.trial(number)
        if outcome.samples:
            trial.set_user_attr(SAMPLES, outcome.samples)
            trial.set_user_attr(VERSIONS, outcome.versions)
        endings: dict[str, Callable[[int], None]] = {
            "pruned": self._study.prune,
            # Like a trial that fell behind: its values were tried, and it has no score.
            "diverged": self._study.prune,
            "failed": self._study.fail,
        }
        if outcome.score is not None:
            self._study.complete(number, outcome.score)
        else:
            endings[outcome.status](number)
        self._drop_checkpoints(number)

    def _drop_checkpoints(self, number: int) -> None:
        """An ended trial is never resumed, and its networks are large."""
        for checkpoint in self._study.trial_folder(number).glob("*/checkpoint"):
            checkpoint.unlink()

    def _say(self, text: str) -> None:
        # Values and errors come from plugins and must not be read as markup.
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def describe_values(values: dict[str, Any]) -> str:
    """Parameters as text for a person."""
    return ", ".join(
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={json.dumps(value)}"
        for name, value in values.items()
    )


def describe_score(definition: SearchDefinition, score: float) -> str:
    """A trial's score as text: an accuracy in percent."""
    if definition.objective.endswith("accuracy"):
        return f"{100 * score:.2f}%"
    return f"{definition.objective} {score:.4g}"


def _number(job: Job) -> int:
    return int(job.directory.path.name.rpartition("-")[2])


def _read_outcome(output: str) -> TrialOutcome | None:
    """The outcome that `lnlbench trial` printed; None if it printed no outcome."""
    try:
        return TrialOutcome.model_validate_json(output)
    except ValidationError:
        return None
