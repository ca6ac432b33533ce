"""Check whether a method can reach, or does read, a clean label or the test split."""

import gc
import types
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NoReturn
from unittest.mock import patch

import torch
from torch import Tensor

from lnlbench.data.access import reading_refused
from lnlbench.data.dataset import Dataset
from lnlbench.data.image_files import read_rows
from lnlbench.errors import LnlbenchError
from lnlbench.interface.method import Method
from lnlbench.interface.run import Run
from lnlbench.runner.diagnosis import Diagnosis
from lnlbench.runner.evaluation import Evaluator
from lnlbench.runner.execution import Execution
from lnlbench.runner.measurements import Measurements
from lnlbench.runner.prepare import Prepared
from lnlbench.runner.split import Split
from lnlbench.testing.behavior import SAMPLES
from lnlbench.testing.report import Finding
from lnlbench.testing.trials import Trial, Trials, digits
from lnlbench.testing.verdict import unfinished

_HOLDERS = (Dataset, Split, Prepared, Evaluator, Diagnosis, Measurements, Execution)
# Not followed: through a class or a module, everything in the process is reachable.
_BEYOND = (type, types.ModuleType, types.CodeType)


def reachable(root: object) -> Iterator[object]:
    """Every object reachable from `root` through attributes, items, closures and arguments."""
    seen, waiting = {id(root)}, deque([root])
    while waiting:
        found = waiting.popleft()
        yield found
        for each in _referents(found):
            if id(each) not in seen and not isinstance(each, _BEYOND):
                seen.add(id(each))
                waiting.append(each)


def _referents(found: object) -> list[Any]:
    if isinstance(found, types.FunctionType):
        # Leave out its globals, which are its module.
        return [found.__closure__, found.__defaults__, found.__kwdefaults__, found.__dict__]
    return gc.get_referents(found)


def secrets_in(run: Run, dataset: Dataset, oracle: frozenset[str] = frozenset()) -> list[str]:
    """Reachable secrets of a run (the truth and the test split), except those in its oracle."""
    test_images = read_rows(dataset.test_images, slice(None))
    hidden = {"test images": test_images, "test labels": dataset.test_labels}
    if not oracle:
        hidden["clean labels"] = dataset.train_labels
    found = set()
    for each in reachable(run):
        if isinstance(each, _HOLDERS):
            found.add(type(each).__name__)
        elif isinstance(each, Tensor):
            found |= {name for name, secret in hidden.items() if _is_copy(each, secret)}
    return sorted(found)


def _is_copy(tensor: Tensor, secret: Tensor) -> bool:
    if tensor.data_ptr() == secret.data_ptr():
        return True
    alike = tensor.shape == secret.shape and tensor.dtype == secret.dtype
    return alike and torch.equal(tensor, secret)


def check_privacy(trials: Trials, repeatable: bool = True) -> Finding:
    """No secret is reachable from the run, and no secret makes a difference.

    The check trains the method twice on the same images with the same noisy labels, but with other
    secrets. A method with an oracle may depend on the clean labels. If the method is not
    `repeatable`, a difference between the two runs proves no fault of privacy.
    """
    dataset = digits(SAMPLES)
    found: list[str] = []
    read: list[str] = []
    searched: list[str] = []
    method = trials.method
    watched = _watched(method, lambda run: found.extend(secrets_in(run, dataset, method.oracle)))
    with _data_sets_closed(read), _search_refused(searched):
        one = trials.run(dataset, method=watched)
        other = trials.run(_other_truth(dataset, method.oracle))
    if found:
        return Finding(
            "privacy",
            "failed",
            f"It can reach secrets from its run: {', '.join(found)}.",
            "This is lnlbench's mistake, not the method's: please report it.",
        )
    if searched:
        return Finding(
            "privacy",
            "failed",
            f"It searches all objects of the interpreter: {searched[0]}.",
            "Take everything from the run. The clean labels are somewhere in the process, and "
            "a method that looks for them there cannot be compared with others.",
        )
    if read:
        return Finding(
            "privacy",
            "failed",
            f"It reads a data set itself: {read[0]}.",
            "Learn only from run.batches() and run.labels; declare in `oracle` what else it "
            "needs: its rows are then shown, but not ranked.",
        )
    if not (one.done and other.done):
        return unfinished("privacy", one if not one.done else other, "See above.")
    if _outcome(one, one.images) != _outcome(other, one.images):
        if not repeatable:
            why = "On the same data, two runs of one seed differ already: see seeds."
            return Finding("privacy", "skipped", why)
        return Finding(
            "privacy",
            "failed",
            "With other clean labels and another test split, and the same noisy labels, it learns "
            "something else.",
            "Find where it reads them. A method that needs them declares so in `oracle`.",
        )
    oracle = f" beside its oracle ({', '.join(sorted(method.oracle))})"
    return Finding(
        "privacy",
        "passed",
        "No clean label and no test sample is reachable from the run, or makes a difference"
        f"{oracle if method.oracle else ''}.",
    )


def _watched(method: type[Method], look: Any) -> type[Method]:
    """The method, but it looks at its run before it begins."""

    def fit(self: Method, run: Run) -> None:
        look(run)
        method.fit(self, run)

    return type(method.__name__, (method,), {"fit": fit, "__doc__": method.__doc__})


@contextmanager
def _data_sets_closed(read: list[str]) -> Iterator[None]:
    """Note and refuse any attempt to read one of lnlbench's data sets."""

    def refuse(name: str) -> None:
        read.append(name)
        raise LnlbenchError("a method may not read a data set")

    def refuse_digits(**options: Any) -> None:
        refuse("scikit-learn's digits")

    with reading_refused(refuse), patch("sklearn.datasets.load_digits", refuse_digits):
        yield


@contextmanager
def _search_refused(searched: list[str]) -> Iterator[None]:
    """Note, and refuse, any search through the interpreter's objects."""

    def refuse(name: str) -> Callable[..., NoReturn]:
        def call(*objects: object, **options: object) -> NoReturn:
            searched.append(name)
            raise LnlbenchError("a method may not search the interpreter's objects")

        return call

    with (
        patch("gc.get_objects", refuse("gc.get_objects")),
        patch("gc.get_referrers", refuse("gc.get_referrers")),
    ):
        yield


def _other_truth(dataset: Dataset, oracle: frozenset[str]) -> Dataset:
    """The same training images and noisy labels with other clean labels and test samples."""
    clean = dataset.train_labels if oracle else dataset.train_labels.roll(1)
    return replace(
        dataset,
        train_labels=clean.clone(),
        test_images=255 - read_rows(dataset.test_images, slice(None)),
        test_labels=dataset.test_labels.roll(1),
    )


def _outcome(trial: Trial, images: Tensor) -> tuple[Any, ...]:
    belief = trial.method.clean_probability()
    with torch.inference_mode():
        logits = trial.predict(images)
    return logits.tolist(), None if belief is None else belief.tolist()
