"""The trials of a search, kept by Optuna in one file that survives restarts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, Trial, TrialState

from lnlbench.errors import DataError
from lnlbench.interface.params import SearchRange
from lnlbench.seeds import seed_for
from lnlbench.tune.definition import SearchDefinition

JOURNAL_NAME = "trials.journal"
SAMPLER = "TPE"
PRUNER = "median"
_NAME = "search"
_VALUES = "values"
_SECONDS = "wall_seconds"
# With fewer finished trials, a median means little.
_UNPRUNED_TRIALS = 5

optuna.logging.set_verbosity(optuna.logging.WARNING)


class Study:
    """A search's trials, by number. Trial 0 is the base itself, which all others have to beat.

    A trial's values depend on the search's seed, the trial's number, and the trials that have
    ended. So a search that runs one trial at a time is the same with and without restarts.

    Raises:
        DataError: the file of the trials is damaged.
    """

    def __init__(self, definition: SearchDefinition, folder: Path, epochs: int) -> None:
        self.definition = definition
        self.folder = folder
        # Optuna's lock is a link to this path; Optuna recognizes a stale lock only by a valid link.
        file = (folder / JOURNAL_NAME).absolute()
        try:
            self._storage = JournalStorage(JournalFileBackend(str(file)))
        except ValueError as error:
            raise DataError(
                f"{file} is damaged: {error}. Delete {folder}, and search again."
            ) from error
        # A run's first third says little: learning rates drop and warm-ups end later.
        pruner = optuna.pruners.MedianPruner(_UNPRUNED_TRIALS, n_warmup_steps=max(1, epochs // 3))
        self._study = optuna.create_study(
            study_name=_NAME,
            storage=self._storage,
            direction=definition.direction,
            pruner=pruner if definition.pruning else optuna.pruners.NopPruner(),
            load_if_exists=True,
        )

    def trial_folder(self, number: int) -> Path:
        """The folder with a trial's plan, its log, and its state."""
        return self.folder / f"trial-{number:04}"

    def begin(self, base: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """A new trial and the values to try; `base` holds the parameters that the search varies."""
        if not self.trials():
            self._study.enqueue_trial(self._own(base))
        trial = self._study.ask()
        return trial.number, self._values(trial, base)

    def begun(self, base: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
        """The unfinished trials of an earlier process, with their values."""
        for trial in self.trials(TrialState.RUNNING):
            yield trial.number, self._values(self.trial(trial.number), base)

    def trial(self, number: int) -> Trial:
        """The trial with this number."""
        study = self._storage.get_study_id_from_name(_NAME)
        return Trial(
            self._study, self._storage.get_trial_id_from_study_id_trial_number(study, number)
        )

    def trials(self, *states: TrialState) -> list[FrozenTrial]:
        """The trials in these states, or all trials."""
        return self._study.get_trials(deepcopy=False, states=states or None)

    def ended(self) -> list[FrozenTrial]:
        """The trials that have ended, in order."""
        return self.trials(TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)

    def complete(self, number: int, score: float) -> None:
        """Record that a trial is done."""
        self._study.tell(number, score)

    def prune(self, number: int) -> None:
        """Record that a trial was stopped as unpromising, or diverged."""
        self._study.tell(number, state=TrialState.PRUNED)

    def fail(self, number: int) -> None:
        """Record that a trial could not be executed."""
        self._study.tell(number, state=TrialState.FAIL)

    def best(self) -> FrozenTrial | None:
        """The trial with the best score; the first of equal ones."""
        done = self.trials(TrialState.COMPLETE)
        return self._study.best_trial if done else None

    def _values(self, trial: Trial, base: dict[str, Any]) -> dict[str, Any]:
        values = {}
        own = self._own(base)
        for name, span in self.definition.ranges().items():
            # Values that the file holds are not drawn again, so each value has a stream of its own.
            seed = seed_for(self.definition.sampler_seed, "trial", trial.number, name)
            self._study.sampler = optuna.samplers.TPESampler(seed=seed % 2**32, multivariate=False)
            # A default outside the range, such as a word, stays as it is.
            if trial.number > 0 or name in own:
                values[name] = _draw(trial, name, span)
        trial.set_user_attr(_VALUES, values)
        return values

    def _own(self, base: dict[str, Any]) -> dict[str, Any]:
        """The base's own values of the parameters whose ranges contain them."""
        ranges = self.definition.ranges()
        return {name: base.get(name) for name in ranges if _holds(ranges[name], base.get(name))}


def mend_journal(folder: Path) -> None:
    """Cut off an incomplete last line: Optuna would append the next line to it.

    This also removes the lock of a process that was killed while it wrote, under the other name
    too that Optuna gives it to remove it. Call it only while this process holds the search and no
    trial runs.
    """
    file = folder / JOURNAL_NAME
    for lock in folder.glob(f"{JOURNAL_NAME}.lock*"):
        lock.unlink(missing_ok=True)
    if not file.exists():
        return
    with file.open("r+b") as journal:
        journal.truncate(journal.read().rfind(b"\n") + 1)


def values_of(trial: FrozenTrial) -> dict[str, Any]:
    """The parameters that a trial changed from the base."""
    return dict(trial.user_attrs.get(_VALUES, {}))


def seconds_of(trial: FrozenTrial) -> float:
    """The seconds that a trial has taken, interrupted attempts included."""
    return float(trial.user_attrs.get(_SECONDS, 0.0))


def note_seconds(trial: Trial, seconds: float) -> None:
    """Store the seconds that a trial has taken so far."""
    trial.set_user_attr(_SECONDS, seconds)


def _draw(trial: Trial, name: str, span: SearchRange) -> float:
    if span.whole:
        return trial.suggest_int(name, int(span.low), int(span.high), log=span.log)
    return trial.suggest_float(name, span.low, span.high, log=span.log)


def _holds(span: SearchRange, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return span.low <= value <= span.high and (not span.whole or value == int(value))
