"""Say how long a run will take on this machine: from recorded costs, or from its first steps."""

import time
from collections.abc import Iterator
from itertools import islice
from statistics import median

from lnlbench.errors import DataError
from lnlbench.interface.method import LossMethod, Method
from lnlbench.interface.run import Run
from lnlbench.results import Result, ResultStore
from lnlbench.results.store import read_result
from lnlbench.runner.costs import Costs
from lnlbench.runner.devices import hardware_name, wait_for
from lnlbench.runner.display import Display, EpochReport
from lnlbench.runner.prepare import Prepared
from lnlbench.runner.split import evaluation_sample
from lnlbench.system.text import duration

MEASURED_SECONDS = 2.0
LONG_SECONDS = 3600.0
# A pass with gradients is about three passes without: one forward, and two for the gradients.
TRAINING_PASS = 3
_READ = 5  # files of one track; more say nothing new about a method's work

# Tracks on which every method takes minutes on a CPU.
QUICK_TRACKS = ("digits", "cifar100n-embedding")


class ForecastingDisplay:
    """A display that is also told how long the run will take.

    A finished run of the same method and protocol on the same hardware tells it before the first
    step. Else the time of the first steps does. It is multiplied by the passes that an epoch of
    the method had in earlier runs on any track; if there are no such runs, by the passes that each
    epoch needs at least.
    """

    def __init__(
        self, display: Display, prepared: Prepared, method: Method, earlier: ResultStore
    ) -> None:
        self._display = display
        self._prepared = prepared
        self._method = method
        self._earlier = earlier
        self._epochs_left = 0
        self._first: tuple[float, int] | None = None
        self._known = False

    def started(self, title: str, max_epochs: int, first_epoch: int) -> None:
        """Show it, and how long such runs took on this hardware, if there are any."""
        self._display.started(title, max_epochs, first_epoch)
        self._epochs_left = max_epochs - first_epoch
        spec, hardware = self._prepared.spec, self._hardware()
        results = [
            result
            for result in _finished(self._earlier, spec.track, spec.method)
            if result.environment.get("device") == hardware
        ]
        seconds = Costs(results).seconds(spec)
        self._known = seconds is not None
        if seconds is not None:
            left = seconds * self._epochs_left / max_epochs
            self._say(left, f"about {duration(left)}, as earlier runs took on this hardware")

    def step(self, run: Run, seconds: float) -> None:
        """Show it; after the first steps, also say how long the run will take."""
        self._display.step(run, seconds)
        if not self._known:
            self._measure(run)

    def forecast(self, seconds: float, text: str) -> None:
        """Show it."""
        self._display.forecast(seconds, text)

    def working(self, text: str) -> None:
        """Show it."""
        self._display.working(text)

    def epoch(self, report: EpochReport) -> None:
        """Show it; from now on, the epochs' own times say how long the run will take."""
        self._known = True
        self._display.epoch(report)

    def finished(self, message: str) -> None:
        """Show it."""
        self._display.finished(message)

    def close(self) -> None:
        """Close the display."""
        self._display.close()

    def _measure(self, run: Run) -> None:
        if self._first is None:  # the first step also pays for allocations and compilation
            wait_for(self._prepared.device)
            self._first = time.monotonic(), self._work()
            return
        began, before = self._first
        # A method may take one step for each of its networks after the passes of them all.
        steps = 1 + 2 * self._method.networks
        if run.steps < steps or time.monotonic() - began < MEASURED_SECONDS:
            return
        wait_for(self._prepared.device)
        work = self._work() - before
        if work == 0:
            return
        self._known = True
        per_epoch, certain = self._work_of_an_epoch()
        seconds = (time.monotonic() - began) / work * per_epoch * self._epochs_left
        about = "about" if certain else "at least"
        self._say(seconds, f"{about} {duration(seconds)} on this machine, from its first steps")

    def _say(self, seconds: float, expected: str) -> None:
        left = self._epochs_left
        text = "1 epoch takes" if left == 1 else f"{left} epochs take"
        text += f" {expected}."
        if seconds >= LONG_SECONDS and self._prepared.device.type == "cpu":
            others = [each for each in QUICK_TRACKS if each != self._prepared.spec.track]
            quick = ", or ".join(f"--track {each}" for each in others)
            text += f" In minutes instead: {quick}, or a trial with --epochs 1 --limit-train 2000."
        self._display.forecast(seconds, text)

    def _work(self) -> int:
        passes = self._prepared.passes
        return TRAINING_PASS * passes.with_gradients + passes.without_gradients

    def _work_of_an_epoch(self) -> tuple[float, bool]:
        """The samples that pass through networks in an epoch, and whether there can be no more.

        Evaluation is included; a pass with gradients counts as several without.
        """
        split, networks = self._prepared.split, self._method.networks
        samples = len(split.clean_labels)
        looked_at = len(split.test.labels) + len(evaluation_sample(samples))
        looked_at += 0 if split.validation is None else len(split.validation.labels)
        recorded = list(_recorded_work(self._earlier, self._method.name))
        least = TRAINING_PASS * networks
        per_sample = median(recorded) if recorded else least
        certain = bool(recorded) or isinstance(self._method, LossMethod)
        return samples * per_sample + looked_at * networks, certain

    def _hardware(self) -> str:
        return hardware_name(self._prepared.device, self._prepared.compiled)


def _recorded_work(store: ResultStore, method: str) -> Iterator[float]:
    """A method's passes over the data in a mean epoch, for each recorded run that counted them."""
    for result in _finished(store, "*", method, _READ):
        costs = result.cost.model_dump()
        training = costs.get("training_passes_per_epoch")
        if training is not None:
            yield TRAINING_PASS * training + (costs.get("inference_passes_per_epoch") or 0.0)


def _finished(
    store: ResultStore, track: str, method: str, most: int | None = None
) -> Iterator[Result]:
    """The finished results of a method on a track, or on all tracks (*), off-track ones too.

    At most `most` files of each track are read.
    """
    for folder in sorted(
        [*store.folder.glob(f"{track}/{method}"), *store.folder.glob(f"off-track/{track}/{method}")]
    ):
        for path in islice(sorted(folder.glob("*.json")), most):
            try:
                result = read_result(path)
            except DataError:
                continue  # `lnlbench leaderboard --check` is what reports it
            if result.status == "done":
                yield result
