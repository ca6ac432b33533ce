"""Sample documents for tests: valid as they are, with every field open to change."""

from typing import Any

from lnlbench.metrics.scored_epochs import reported_accuracies
from lnlbench.plugins import load_plugins
from lnlbench.results import Result, fingerprint
from lnlbench.spec.run_spec import build_spec, deviations
from lnlbench.tracks import load_track

LABELS_SHA256 = "ab" * 32

PROTOCOL: dict[str, Any] = {
    "title": "CIFAR-100N noisy fine, ResNet-34",
    "dataset": "cifar100",
    "noise": "noisy-fine",
    "backbone": "resnet34",
    "epochs": 3,
    "batch_size": 128,
    "optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 5e-4},
    "milestones": [2],
    "augment": "crop-flip",
    "precision": "bf16",
    "validation": None,
}

# What a run of two classes could record of itself.
HISTOGRAM = {
    "of": "loss",
    "low": 0.0,
    "high": 3.0,
    "counts": {"clean": [5, 1, 0], "wrong": [0, 2, 2]},
}
DIAGNOSTICS = {
    "snapshots": [{"epoch": 2, "histograms": [HISTOGRAM]}],
    "reliability": {"count": [0, 9], "confidence": [None, 0.8], "accuracy": [None, 0.5]},
    "classes": {
        "names": ["cat", "dog"],
        "given": [6, 4],
        "noise_rate": [0.5, None],
        "test_accuracy": [0.5, 1.0],
    },
    "label_confusion": {"true": [0], "given": [1], "count": [3]},
}


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A copy with `changes` laid over it, dictionary by dictionary."""
    result = dict(base)
    for key, value in changes.items():
        nested = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if nested else value
    return result


def make_document(
    method: str = "ce",
    seed: int = 0,
    accuracy: float = 0.5,
    *,
    track: str = "cifar100n-resnet34",
    recipe: str = "matched",
    params: dict[str, Any] | None = None,
    oracle: tuple[str, ...] = (),
    status: str = "done",
    seconds: float = 100.0,
    source: str | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """A result document of a run that ended at `accuracy`; `changes` are laid over it last."""
    params = params or {}
    spec = {"track": track, "method": method, "recipe": recipe, "params": params, "seed": seed}
    curve = [accuracy / 2, min(1.0, accuracy + 0.01), accuracy]
    done = status == "done"
    document: dict[str, Any] = {
        "schema_version": 1,
        "status": status,
        "track": track,
        "off_track": None,
        "data": {
            "dataset": "cifar100",
            "noise": "noisy-fine",
            "noise_seed": None,
            "labels_sha256": LABELS_SHA256,
            "noise_rate": 0.402,
            "num_classes": 100,
            "num_train": 50000,
            "num_test": 10000,
            "notes": [],
        },
        "method": _method_facts(method, params, recipe, oracle, source),
        "protocol": PROTOCOL,
        "spec": spec,
        "seed": seed,
        "scores": _scores(curve) if done else dict.fromkeys(_scores(curve)),
        "curves": {"test_accuracy": curve if done else curve[:1]},
        "events": [],
        "cost": {
            "wall_seconds": seconds,
            "train_images_per_second": 5000.0,
            "peak_memory_bytes": 2**30,
        },
        "environment": {"lnlbench": "0.1.0", "device": "NVIDIA H100", "precision": "bf16"},
        "error": None if done else "the loss became NaN in epoch 2",
        "created": "2026-01-02T03:04:05+00:00",
    }
    document = merged(document, changes)
    if done:
        _add_curves(document)
    return {"fingerprint": fingerprint(document["spec"]), **document}


def _method_facts(
    method: str, params: dict[str, Any], recipe: str, oracle: tuple[str, ...], source: str | None
) -> dict[str, Any]:
    """What a document says of its method."""
    return {
        "name": method,
        "distribution": "lnlbench",
        "version": "0.1.0",
        "params": params,
        "recipe": recipe,
        "oracle": list(oracle),
        "networks": 1,
        "reference": "A reference",
        "source_sha256": source,
    }


def _scores(curve: list[float]) -> dict[str, float | None]:
    """The scores of a finished run with this curve of test accuracies."""
    return {
        "test_accuracy_last10": curve[-1],
        "test_accuracy_last": curve[-1],
        "test_accuracy_best": max(curve),
        "clean_auroc": 0.9,
        "memorization": 0.3,
        "ece": 0.1,
        "nll": 1.5,
    }


def _add_curves(document: dict[str, Any]) -> None:
    """Give every score that a curve ends with a curve that ends so."""
    scores, curves = document["scores"], document["curves"]
    epochs = len(curves.get("test_accuracy", ()))
    for name, value in scores.items():
        if name not in curves and value is not None and not name.startswith("test_accuracy"):
            curves[name] = [value] * epochs
    single = scores.get("test_accuracy_last10_single")
    if single is not None and "test_accuracy_single" not in curves:
        curves["test_accuracy_single"] = [single] * epochs


def make_result(*args: Any, **changes: Any) -> Result:
    """A valid result; the arguments are those of `make_document`."""
    return Result.model_validate(make_document(*args, **changes))


def run_document(
    method: str = "ce", seed: int = 0, accuracy: float = 0.5, track: str = "digits", **changes: Any
) -> dict[str, Any]:
    """A document with the spec of a built-in method on a track, as a run would write it.

    `recipe`, `overrides`, `params` and `tuning` are those of the spec; all other changes are laid
    over the document.
    """
    chosen = load_plugins().method(method)
    asked = {key: changes.pop(key, None) for key in ("recipe", "overrides", "params", "tuning")}
    spec = build_spec(chosen, track, seed=seed, **{k: v for k, v in asked.items() if v})
    protocol = load_track(track)
    overrides = deviations(spec, chosen)
    epochs = spec.protocol.epochs
    test = [accuracy * (epoch + 1) / epochs for epoch in range(epochs)]
    loss = [2.0 - accuracy - epoch / epochs + seed / 1000 for epoch in range(epochs)]
    document = make_document(method, seed, accuracy, track=track, recipe=spec.recipe)
    document = merged(
        {**document, "spec": spec.document(), "curves": {"test_accuracy": test, "loss": loss}},
        {
            "off_track": {"overrides": overrides} if overrides else None,
            "data": {
                "dataset": spec.protocol.dataset,
                "noise": spec.protocol.noise,
                "noise_seed": spec.protocol.noise_seed,
            },
            "method": {
                "params": spec.params,
                "oracle": sorted(chosen.oracle),
                "networks": chosen.networks,
            },
            "scores": reported_accuracies(test, None),
            "environment": {"precision": spec.protocol.precision},
            "fingerprint": spec.fingerprint,
        },
    )
    document["protocol"] = {
        "title": protocol.title,
        **protocol.protocol.model_dump(mode="json"),
    }
    document = merged(document, changes)
    _add_curves(document)
    return document


def run_result(*args: Any, **changes: Any) -> Result:
    """A valid result of a real spec; the arguments are those of `run_document`."""
    return Result.model_validate(run_document(*args, **changes))
