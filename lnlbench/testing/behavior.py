"""Run, repeat and resume a method, and look at what it leaves behind in the process."""

from functools import cached_property
from pathlib import Path

from torch import nn

from lnlbench.interface.method import Method
from lnlbench.methods.cross_entropy import CrossEntropy
from lnlbench.system.temporary import temporary_folder
from lnlbench.testing.report import Finding
from lnlbench.testing.trials import Trial, Trials, Watch, digits
from lnlbench.testing.verdict import unfinished

SAMPLES = 203  # 3 batches of 64 and one of 11
EPOCHS = 3


def check_runs(trials: Trials) -> tuple[Finding, Trial]:
    """Two epochs of all digits end well, and the method trains as many networks as it declares."""
    trial = trials.run(digits(), timed=True)
    method = trials.method
    if not trial.done:
        advice = "Run it yourself: lnlbench run --track digits --epochs 2 --method " + method.name
        return unfinished("runs", trial, advice), trial
    found = len(trial.method.trained_networks())
    if type(trial.method).predict is Method.predict and found != method.networks:
        return Finding(
            "runs",
            "failed",
            f"It declares networks = {method.networks}, and predict averages {found}.",
            "Declare the right number, or define trained_networks() if a module on self does not "
            "predict.",
        ), trial
    accuracy = trial.result.scores.test_accuracy_last or 0.0
    return Finding(
        "runs", "passed", f"Two epochs of digits, test accuracy {100 * accuracy:.1f} %."
    ), trial


class ShortRuns:
    """Runs of a few samples with seeds 0 and 1 that several checks look at."""

    def __init__(self, trials: Trials) -> None:
        self.trials = trials
        self.watch, self.other_watch = Watch(), Watch()
        self.first = self.run(self.watch)
        self.other = self.run(self.other_watch, seed=1)

    @cached_property
    def again(self) -> Trial:
        """The first run once more."""
        return self.run()

    @property
    def repeatable(self) -> bool:
        """Whether one seed gives the same numbers twice."""
        return self.again.done and not difference(self.first, self.again)

    def run(self, watch: Watch | None = None, seed: int = 0, folder: Path | None = None) -> Trial:
        """The short run; resumes the folder's run if it has stopped."""
        return self.trials.run(
            digits(SAMPLES), seed=seed, watch=watch, folder=folder, epochs=EPOCHS
        )


def check_global_state(runs: ShortRuns) -> Finding:
    """The method leaves settings unchanged and seeds no global random stream."""
    changed = runs.first.changed
    if changed:
        listing = "; ".join(f"{name}: {old} became {new}" for name, (old, new) in changed.items())
        return Finding(
            "global state",
            "failed",
            f"It changed {listing}.",
            "Pass dtype, device and generator to the calls that need them, or put the setting "
            "back in a finally.",
        )
    names = ("random", "NumPy", "torch")
    for states in zip(runs.watch.states, runs.other_watch.states, strict=False):
        for name, one, other in zip(names, *states, strict=True):
            if one == other:
                return Finding(
                    "global state",
                    "failed",
                    f"After an epoch the global random stream of {name} is the same for seeds "
                    "0 and 1: the method seeds it.",
                    "Draw from run.generator, or a generator of your own seeded from it.",
                )
    return Finding("global state", "passed", "No setting changed, no global stream seeded.")


def check_seeds(runs: ShortRuns) -> Finding:
    """One seed always gives the same numbers; another seed changes them if the method steps."""
    if not runs.again.done:
        return unfinished("seeds", runs.again, "It ran once, but failed the second time.")
    different = difference(runs.first, runs.again)
    if different:
        return Finding(
            "seeds",
            "failed",
            f"Two runs of one seed differ: {different}.",
            "Draw from run.generator; leave out os.urandom, clocks, hashes of objects and sets in "
            "random order. Keep what changes on self, made in fit, and not on the class or the "
            "module, which the next run shares.",
        )
    untold = [each for each in runs.first.method.trained_networks() if _has_gradients(each)]
    if untold and not runs.watch.steps:
        return Finding(
            "seeds",
            "failed",
            "Its networks have gradients, but it never calls run.step.",
            "Train by run.step(loss, optimizer) in place of loss.backward() and optimizer.step(): "
            "it notices losses that are NaN, counts steps, and lets a run stop.",
        )
    if not runs.watch.steps:
        return Finding(
            "seeds", "passed", "The same numbers twice; it takes no step, so seeds do nothing."
        )
    if runs.other.result.curves == runs.first.result.curves:
        return Finding(
            "seeds",
            "failed",
            "Seeds 0 and 1 give the same numbers.",
            "Take networks from run.network(), order and views from run.batches(), and other "
            "draws from run.generator; seed nothing yourself.",
        )
    return Finding(
        "seeds", "passed", "The same seed gives the same numbers; another seed gives others."
    )


def _has_gradients(network: nn.Module) -> bool:
    return any(parameter.grad is not None for parameter in network.parameters())


def check_resume(runs: ShortRuns) -> Finding:
    """A run that stops inside an epoch and between two, and resumes, gives the same numbers."""
    stops = [Watch(stop_after=0)]
    if runs.watch.steps:
        stops.append(Watch(stop_in=1))
    with temporary_folder("lnlbench-check-") as folder:
        for stop in stops:
            runs.run(stop, folder=folder)
        resumed = runs.run(folder=folder)
    advice = (
        "Keep on self everything that the next epoch needs, local variables of fit included; make "
        "modules and optimizers before the first epoch; read the epoch's number from run.epochs()."
    )
    if not resumed.done:
        return unfinished("resume", resumed, advice)
    different = difference(runs.first, resumed)
    if different and not runs.repeatable:
        found = "Without a stop, two runs of one seed differ already: see seeds."
        return Finding("resume", "skipped", found)
    if different:
        return Finding(
            "resume", "failed", f"The resumed run has other numbers: {different}.", advice
        )
    return Finding("resume", "passed", "Stopped and resumed, it ends with the same numbers.")


def difference(one: Trial, other: Trial) -> str:
    """The first number that differs between two runs; an empty text if no number does."""
    curves, others = one.result.curves, other.result.curves
    for name in sorted(curves.keys() | others.keys()):
        a, b = curves.get(name, []), others.get(name, [])
        for epoch, pair in enumerate(zip(a, b, strict=False)):
            if pair[0] != pair[1]:
                return f"{name} in epoch {epoch + 1} is {pair[1]} against {pair[0]}"
        if len(a) != len(b):
            return f"{name} has {len(b)} values against {len(a)}"
    return ""


def measure_cost(trials: Trials, trial: Trial) -> Finding:
    """The time of two epochs of digits against cross-entropy's time, both measured now."""
    baseline = Trials(CrossEntropy, {}).run(digits(), timed=True)
    seconds = [each.result.cost.model_dump()["train_seconds"] for each in (trial, baseline)]
    times = seconds[0] / max(seconds[1], 1e-9)
    return Finding(
        "cost",
        "passed",
        f"{times:.1f} times cross-entropy ({seconds[0]:.1f} s against {seconds[1]:.1f} s for two "
        "epochs of digits on this CPU).",
    )
