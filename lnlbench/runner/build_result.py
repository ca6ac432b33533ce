"""Turn a run's record into its result document."""

from datetime import UTC, datetime
from typing import Any, Literal

from lnlbench.interface.method import Method
from lnlbench.metrics.scored_epochs import last_epochs, reported_accuracies
from lnlbench.plugins import Origin
from lnlbench.plugins.method_source import source_sha256
from lnlbench.results import Result
from lnlbench.results.scores import SCORES
from lnlbench.runner.prepare import Prepared
from lnlbench.runner.record import Record
from lnlbench.spec.run_spec import deviations
from lnlbench.system.memory import peak_memory_bytes

Status = Literal["done", "failed", "diverged", "interrupted"]


def build_result(
    prepared: Prepared,
    method: Method,
    origin: Origin,
    record: Record,
    environment: dict[str, Any],
    status: Status,
    error: str | None,
) -> Result:
    """The result of a run; only finished runs have scores."""
    spec, split = prepared.spec, prepared.split
    overrides = deviations(spec, type(method))
    track = spec.track_definition
    document = {
        "schema_version": 1,
        "status": status,
        "track": spec.track,
        "off_track": {"overrides": overrides} if overrides else None,
        "data": {
            "dataset": prepared.dataset.name,
            "noise": spec.protocol.noise,
            "noise_seed": spec.protocol.noise_seed,
            "labels_sha256": prepared.noisy.sha256,
            "noise_rate": split.noise_rate,
            "num_classes": prepared.dataset.num_classes,
            "num_train": len(split.clean_labels),
            "num_test": len(split.test.labels),
            "notes": list(prepared.dataset.notes),
        },
        "method": _method_facts(prepared, method, origin),
        "protocol": {"title": track.title, **track.protocol.model_dump(mode="json")},
        "spec": spec.document(),
        "seed": spec.seed,
        "scores": _scores(record, prepared) if status == "done" else {},
        "curves": record.curves,
        "diagnostics": record.diagnostics if record.epochs else None,
        "events": [vars(event) for event in record.events],
        "cost": {
            "wall_seconds": record.wall_seconds,
            "processor_seconds": record.processor_seconds,
            "train_seconds": record.train_seconds,
            "train_images_per_second": record.train_images / max(record.train_seconds, 1e-9),
            "peak_memory_bytes": peak_memory_bytes(prepared.device),
            **_budget(record, len(split.clean_labels)),
        },
        "environment": environment,
        "error": error,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "fingerprint": spec.fingerprint,
    }
    return Result.model_validate(document)


def _method_facts(prepared: Prepared, method: Method, origin: Origin) -> dict[str, Any]:
    """What the result says of the method: where it comes from, and how it was set."""
    spec = prepared.spec
    return {
        "name": spec.method,
        "distribution": origin.distribution,
        "version": origin.version,
        "params": spec.params,
        "recipe": spec.recipe,
        "oracle": sorted(method.oracle | spec.protocol.oracle),
        "networks": method.networks,
        "reference": method.reference,
        "source_sha256": source_sha256(type(method)),
    }


def _budget(record: Record, samples: int) -> dict[str, float]:
    """Mean work of an epoch: optimizer steps, and passes over the data.

    One pass over the data means that a network sees as many samples as the training set has.
    """
    epochs = max(1, record.epochs)
    return {
        "steps_per_epoch": record.steps / epochs,
        "training_passes_per_epoch": record.passes_with_gradients / samples / epochs,
        "inference_passes_per_epoch": record.passes_without_gradients / samples / epochs,
    }


def _scores(record: Record, prepared: Prepared) -> dict[str, float | None]:
    curves = record.curves
    test = [value or 0.0 for value in curves["test_accuracy"]]
    validation = None
    if prepared.split.validation is not None:
        validation = [value or 0.0 for value in curves["validation_accuracy"]]
    single = curves["test_accuracy_single"][-last_epochs(len(test)) :]
    # A score that is not an accuracy is the last epoch's value of the curve with its name.
    finals = {score.name: curves[score.name][-1] for score in SCORES if score.name in curves}
    return {
        **finals,
        **reported_accuracies(test, validation),
        "test_accuracy_last10_single": sum(value or 0.0 for value in single) / len(single),
    }
