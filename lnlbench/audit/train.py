"""The model of an audit: trained on all its samples, with corrected labels, and exported."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from lnlbench.audit.files import DECIDED, SUGGESTED
from lnlbench.audit.given import Given, open_samples
from lnlbench.audit.judge import Judge, Lesson, asked, protocol_for, taught
from lnlbench.audit.samples import Samples
from lnlbench.audit.tables import read_label_table
from lnlbench.embeddings.views import Standardization
from lnlbench.errors import DataError, UsageError
from lnlbench.interface.method import Method
from lnlbench.model.card import (
    Architecture,
    Card,
    FeatureInput,
    ImageInput,
    Origin,
    Resizing,
)
from lnlbench.model.export import check_same, network_tensors, predicting_networks
from lnlbench.model.files import check_free, save_model
from lnlbench.model.model import Model
from lnlbench.networks.frozen import FrozenBackbone
from lnlbench.plugins import load_plugins
from lnlbench.runner.devices import resolve_device
from lnlbench.runner.environment import describe_environment
from lnlbench.system.documents import parse_json, read_text
from lnlbench.system.progress import shown_progress, silent_progress

_PRECISION: Final = "fp32"
_BATCH = 64
_COMPARED = 50


def is_audit(folder: Path) -> bool:
    """Whether `lnlbench audit` wrote this folder."""
    return (folder / "summary.json").is_file() and (folder / SUGGESTED).is_file()


def corrected_labels(folder: Path) -> Path:
    """The audit's table of decided labels, or, before any decision, of suggested ones."""
    decided = folder / DECIDED
    return decided if decided.is_file() else folder / SUGGESTED


def train_model(
    folder: Path,
    output: Path,
    *,
    labels: Path | None = None,
    weights: Path | None = None,
    device: str = "auto",
    overwrite: bool = False,
    show: bool = False,
) -> Model:
    """Train the audit's judge on all samples with corrected labels; write and return the model.

    `labels` is by default `corrected_labels(folder)`; `weights` by default what the audit had. Of
    several judges, the first one is trained. `show` shows progress on standard error.

    Raises:
        UsageError: the folder is no audit, the data have moved, the table is of another audit, the
            method cannot be exported, or a model lies in `output` already.
        DataError: a file is damaged.
        RunError: a loss was infinite or NaN, or the model does not predict what the method does.
    """
    check_free(output, overwrite)
    about = _about(folder)
    progress = shown_progress if show else silent_progress
    plugins, place = load_plugins(), resolve_device(device)
    first = about["judges"][0]
    judge = Judge.of(plugins.method(first["method"]), first["params"])
    given = Given.from_document(about["given"])
    if weights is not None:
        given = replace(given, weights=weights)
    samples = open_samples(given, plugins, place, progress)
    targets = _targets(corrected_labels(folder) if labels is None else labels, samples)
    lesson = Lesson(samples.features, targets, len(samples.classes), place)
    rows = torch.arange(len(targets))
    epochs = protocol_for(len(rows)).epochs
    with progress(f"Training {judge.method.name}", len(rows)) as told:
        method, standardization = taught(
            judge, lesson, rows, about["seed"], lambda done: told(len(rows) * done // epochs)
        )
    model = _model(method, standardization, judge, lesson, samples, about["seed"])
    save_model(model, output, overwrite=overwrite)
    return model


def _about(folder: Path) -> dict[str, Any]:
    if not is_audit(folder):
        raise UsageError(
            f"{folder} is not the folder of an audit: it lacks summary.json or {SUGGESTED}. Give "
            "the folder that 'lnlbench audit' wrote."
        )
    file = folder / "summary.json"
    try:
        about: dict[str, Any] = parse_json(read_text(file))["about"]
        about["judges"][0]["params"], about["seed"]
        if about.get("given") is None:
            raise UsageError(
                f"{file} does not say which data were audited. Run 'lnlbench audit' again on the "
                "same data: finished folds are kept."
            )
        Given.from_document(about["given"])
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise DataError(f"{file} is damaged ({error!r:.200}). Run the audit again.") from error
    return about


def _targets(table: Path, samples: Samples) -> Tensor:
    """The labels int64 [N] that a table of the audit gives to the samples."""
    found = read_label_table(table)
    labels = dict(zip(found.paths, found.labels, strict=True))
    missing = next((path for path in samples.paths if path not in labels), None)
    if missing is not None:
        raise UsageError(
            f"{table} has no label for {missing!r}: it is of other data, or the data have changed "
            "since the audit. Run the audit again."
        )
    index = {name: number for number, name in enumerate(samples.classes)}
    unknown = next((labels[path] for path in samples.paths if labels[path] not in index), None)
    if unknown is not None:
        raise UsageError(
            f"{table} has the label {unknown!r}, which none of the {len(index)} classes of the "
            "audit has. Correct the table, or run the audit again."
        )
    return torch.tensor([index[labels[path]] for path in samples.paths])


def _model(
    method: Method,
    standardization: Standardization,
    judge: Judge,
    lesson: Lesson,
    samples: Samples,
    seed: int,
) -> Model:
    networks = predicting_networks(method)
    embedding = protocol_for(len(lesson.labels)).embedding
    assert embedding is not None, "judges are heads on features"
    width = lesson.features.shape[1]
    names = (name.encode("utf-8", "backslashreplace").decode() for name in samples.classes)
    card = Card(
        classes=tuple(names),
        input=_input(samples, width),
        architecture=Architecture(kind="head", name=embedding.head, inputs=width),
        networks=len(networks),
        precision=_PRECISION,
        batch_size=_BATCH,
        origin=_origin(judge, lesson, seed),
    )
    tensors = network_tensors(networks)
    tensors["standardization.mean"] = standardization.mean
    tensors["standardization.scale"] = standardization.scale
    if samples.network is not None:
        network = samples.network
        body = FrozenBackbone(
            network.name,
            network.weights.tensors,
            network.preprocessing,
            _PRECISION,
            torch.device("cpu"),
        )
        tensors |= {f"frozen.{name}": value for name, value in body.network.state_dict().items()}
    model = Model(card, tensors, lesson.device)
    first = lesson.features[:_COMPARED]
    logits = asked(method, standardization, first, lesson.device)
    check_same(model, _shown(samples, first), logits, method)
    return model


def _shown(samples: Samples, features: Tensor) -> Tensor:
    """What the model is given in place of these first features."""
    if samples.network is None:
        return features.float()
    assert samples.picture is not None, "these features were made from images"
    return torch.from_numpy(samples.picture(range(len(features))))


def _input(samples: Samples, width: int) -> ImageInput | FeatureInput:
    network = samples.network
    if network is None:
        return FeatureInput(dimension=width)
    fields: dict[str, Any] = {"channels": 3, "size": network.preprocessing.image_size}
    fields["frozen"] = {
        "network": network.name,
        "pretrained_on": network.weights.pretrained_on,
        "weights_sha256": network.weights.sha256,
        "precision": _PRECISION,
        "resizing": Resizing.of(network.preprocessing),
    }
    return ImageInput(**fields)


def _origin(judge: Judge, lesson: Lesson, seed: int) -> Origin:
    labels = hashlib.sha256(lesson.labels.numpy().tobytes()).hexdigest()
    document = {
        **judge.document(),
        "labels": labels,
        "protocol": protocol_for(len(lesson.labels)).model_dump(mode="json"),
        "seed": seed,
    }
    text = json.dumps(document, sort_keys=True)
    return Origin(
        method=judge.method.name,
        recipe="matched",
        params=judge.params.model_dump(mode="json"),
        track="audit",
        seed=seed,
        fingerprint=hashlib.sha256(text.encode()).hexdigest(),
        dataset="the samples of an audit",
        noise="corrected by an audit",
        labels_sha256=labels,
        test_accuracy=None,
        versions=describe_environment(lesson.device, _PRECISION),
    )
