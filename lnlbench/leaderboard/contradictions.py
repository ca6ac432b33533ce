"""Find results that contradict themselves, or the other results of their rows.

This cannot reveal a curve that was invented as a whole, or a method under another method's name.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Any

from lnlbench.leaderboard.runs import runs_by_row
from lnlbench.metrics.scored_epochs import last_epochs, reported_accuracies
from lnlbench.results.schema import Result
from lnlbench.results.scores import SCORES
from lnlbench.results.store import ResultStore

# A file keeps scores to the last bit, but a run may round its curves.
_TOLERANCE = 1e-6
# A file keeps reliability to four digits.
_ROUNDED = 1e-4
# With more classes than this, a file keeps no matrix of all wrong labels.
_ALL_PAIRS = 20
# A recipe may change these settings of its track without an override; `matched` changes only the
# schedule.
_SCHEDULE = {"epochs", "batch_size", "optimizer", "milestones", "gamma", "cosine_to"}
_NATIVE = _SCHEDULE | {"augment", "backbone", "validation"}


def contradictions(store: ResultStore, results: Sequence[Result]) -> list[str]:
    """The problems of these results; each string names the file and the next step."""
    return without_contradictions(store, results)[1]


def without_contradictions(
    store: ResultStore, results: Sequence[Result]
) -> tuple[list[Result], list[str]]:
    """The results without contradictions, and the problems of the others."""
    agreeing, wrong = [], []
    copies = _copies(results)
    for result in results:
        problems = [*_own_problems(result), *copies.get(id(result), [])]
        wrong += [refusal(store, result, problem) for problem in problems]
        if not problems:
            agreeing.append(result)
    return agreeing, wrong


def refusal(store: ResultStore, result: Result, problem: str) -> str:
    """A problem with the file that has it, and the next step."""
    return f"{store.path_for(result)}: {problem}: run it again with --overwrite"


def _own_problems(result: Result) -> list[str]:
    checks: list[Callable[[Result], Iterator[str]]] = [_asked, _epochs, _costs]
    if result.status == "done":
        checks += [_accuracies, _last_values, _diagnostics]
    return [problem for check in checks for problem in check(result)]


def _asked(result: Result) -> Iterator[str]:
    """Differences between what the spec asks for and what ran, according to the file."""
    protocol = result.spec.get("protocol")
    if result.spec.get("params", result.method.params) != result.method.params:
        yield "its method's parameters are not those of its spec"
    if not isinstance(protocol, dict):
        return
    yield from _had(result, protocol)
    yield from _overridden(result, protocol)


def _had(result: Result, protocol: dict[str, Any]) -> Iterator[str]:
    had: dict[str, Any] = {
        "noise": result.data.noise,
        "noise_seed": result.data.noise_seed,
        "precision": result.environment.get("precision"),
    }
    for name, value in had.items():
        asked = protocol.get(name)
        if asked not in (value, "auto") and value is not None:
            yield f"its spec asks for {name} {asked!r}, but the run had {value!r}"
    if protocol.get("validation_labels") == "clean" and "clean_validation" not in (
        result.method.oracle
    ):
        yield "its spec selects epochs on clean labels, but its oracle lacks 'clean_validation'"


def _overridden(result: Result, protocol: dict[str, Any]) -> Iterator[str]:
    overrides = result.off_track.overrides if result.off_track else {}
    by_recipe = _SCHEDULE if result.method.recipe == "matched" else _NATIVE
    for name in sorted(_differing(protocol, result.protocol)):
        if name in overrides:
            if overrides[name] != protocol.get(name):
                yield f"it states {name} {overrides[name]!r}, but its spec {protocol.get(name)!r}"
        elif name not in by_recipe:
            yield (
                f"its spec has {name} {protocol.get(name)!r}, but its track "
                f"{result.protocol.get(name)!r}, and it states no override"
            )


def _differing(asked: dict[str, Any], track: dict[str, Any]) -> set[str]:
    names = (asked.keys() | track.keys()) - {"title"}
    return {name for name in names if asked.get(name) != track.get(name)}


def _epochs(result: Result) -> Iterator[str]:
    protocol = result.spec.get("protocol")
    asked = protocol.get("epochs") if isinstance(protocol, dict) else None
    if not isinstance(asked, int):
        return
    for name, curve in result.curves.items():
        if len(curve) > asked or (result.status == "done" and len(curve) < asked):
            yield f"curve {name!r} has {len(curve)} epochs, but its protocol {asked}"
    for shot in result.diagnostics.snapshots if result.diagnostics else ():
        if shot.epoch >= asked:
            yield f"it has a snapshot after epoch {shot.epoch + 1} of {asked}"


def _costs(result: Result) -> Iterator[str]:
    training = (result.cost.model_extra or {}).get("train_seconds")
    if training is not None and training > result.cost.wall_seconds:
        yield (
            f"its epochs trained for {training:.1f} s, longer than the "
            f"{result.cost.wall_seconds:.1f} s of the whole run"
        )


def _accuracies(result: Result) -> Iterator[str]:
    test = _curve(result, "test_accuracy")
    if not test:
        yield "it has no curve 'test_accuracy'"
        return
    expected = reported_accuracies(test, _curve(result, "validation_accuracy"))
    single = _curve(result, "test_accuracy_single")
    tail = (single or [])[-last_epochs(len(test)) :]
    expected["test_accuracy_last10_single"] = sum(tail) / len(tail) if tail else None
    yield from _denied(result, expected)


def _last_values(result: Result) -> Iterator[str]:
    reported = reported_accuracies([0.0], None).keys() | {"test_accuracy_last10_single"}
    curves = {score.name: result.curves.get(score.name) for score in SCORES}
    lasts = {name: curve[-1] if curve else None for name, curve in curves.items()}
    yield from _denied(result, {name: lasts[name] for name in lasts.keys() - reported})


def _denied(result: Result, expected: dict[str, float | None]) -> Iterator[str]:
    for name, from_curve in expected.items():
        score = getattr(result.scores, name)
        if (score is None) != (from_curve is None) or abs(
            (score or 0.0) - (from_curve or 0.0)
        ) > _TOLERANCE:
            yield f"{name} is {score}, but its curve says {from_curve}"


def _curve(result: Result, name: str) -> list[float] | None:
    if name not in result.curves:
        return None
    return [value or 0.0 for value in result.curves[name]]


def _diagnostics(result: Result) -> Iterator[str]:
    found = result.diagnostics
    if found is None:
        return
    if found.reliability is not None:
        bins = [
            (count, confidence or 0.0, accuracy or 0.0)
            for count, confidence, accuracy in zip(
                found.reliability.count,
                found.reliability.confidence,
                found.reliability.accuracy,
                strict=True,
            )
        ]
        total = sum(count for count, _, _ in bins)
        if total != result.data.num_test:
            yield f"its reliability counts {total} of {result.data.num_test} test images"
        means = {
            "test_accuracy_last": sum(count * accuracy for count, _, accuracy in bins),
            "ece": sum(count * abs(accuracy - sure) for count, sure, accuracy in bins),
        }
        for name, sum_ in means.items():
            score, mean = getattr(result.scores, name), sum_ / max(1, total)
            if score is not None and abs(score - mean) > _ROUNDED:
                yield f"{name} is {score}, but its reliability says {mean:.4f}"
    yield from _label_counts(result)


def _label_counts(result: Result) -> Iterator[str]:
    found, data = result.diagnostics, result.data
    if found is None or found.classes is None:
        return
    given, pairs = sum(found.classes.given), found.label_confusion
    if given != data.num_train:
        yield f"its classes count {given} of {data.num_train} training images"
    if pairs is not None and len(found.classes.names) <= _ALL_PAIRS and data.noise_rate is not None:
        rate = sum(pairs.count) / data.num_train
        if abs(rate - data.noise_rate) > _TOLERANCE:
            yield f"noise_rate is {data.noise_rate}, but its wrong labels are {rate:.6f} of all"


def _copies(results: Sequence[Result]) -> dict[int, list[str]]:
    """Curves that also stand in a result of another seed of their row, by the ids of the results.

    A training loss depends on the order of the batches, which the seed decides. Methods without
    one may give the same result for every seed, but do not take the same time to the last bit.
    """
    found: dict[int, list[str]] = {}
    for row in runs_by_row(results):
        for one, other in combinations(row.finished, 2):
            if one.seed == other.seed or one.curves != other.curves:
                continue
            if "loss" in one.curves or one.cost.wall_seconds == other.cost.wall_seconds:
                found.setdefault(id(one), []).append(f"its curves are those of seed {other.seed}")
                found.setdefault(id(other), []).append(f"its curves are those of seed {one.seed}")
    return found
