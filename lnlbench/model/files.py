"""A model's folder: `model.json`, and the weights that it names by their hash."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from safetensors.torch import load, save
from torch import Tensor

import lnlbench
from lnlbench.errors import DataError, UsageError, first_problem
from lnlbench.model.card import FORMAT, Card, ModelDocument, WeightsFile
from lnlbench.model.model import Model
from lnlbench.runner.devices import resolve_device
from lnlbench.system.atomic import write_atomically
from lnlbench.system.documents import parse_json, read_text

CARD = "model.json"
_WEIGHTS = re.compile(r"weights-[0-9a-f]{16}\.safetensors")
_AGAIN = "Copy the folder again, or export the model again."


def check_free(folder: Path, overwrite: bool) -> None:
    """Refuse a folder that holds a model, unless it is to be replaced.

    Raises:
        UsageError: a model lies there, or the name is that of a file.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file. Name a folder with --output.")
    if (folder / CARD).exists() and not overwrite:
        raise UsageError(
            f"{folder} holds a model already. Choose another folder with --output, or replace it "
            "with --overwrite."
        )


def save_model(model: Model, folder: str | Path, *, overwrite: bool = False) -> ModelDocument:
    """Write a model into a folder, which is made if needed; other files there stay.

    A reader sees the old model or the new one, because `model.json` names the weights by their
    hash and is replaced last.

    Raises:
        UsageError: a model lies there and `overwrite` is false, or the folder cannot be written.
        RunError: the disk is full or fails.
    """
    folder = Path(folder)
    check_free(folder, overwrite)
    content = save(model.tensors())
    sha256 = hashlib.sha256(content).hexdigest()
    name = f"weights-{sha256[:16]}.safetensors"
    document = ModelDocument(
        **dict(model.card),
        lnlbench=lnlbench.__version__,
        weights=WeightsFile(file=name, sha256=sha256, bytes=len(content)),
    )
    text = json.dumps(document.model_dump(mode="json"), indent=2, sort_keys=True)
    write_atomically(folder / name, content)
    write_atomically(folder / CARD, f"{text}\n".encode())
    for file in folder.iterdir():
        if _WEIGHTS.fullmatch(file.name) and file.name != name:
            file.unlink(missing_ok=True)
    return document


def load_model(path: str | Path, device: str = "auto") -> Model:
    """The model in a folder that `lnlbench export` wrote; needs neither the run nor its data.

    `device` is auto, cpu, cuda or cuda:N. Nothing in the folder is executed.

    Raises:
        UsageError: the folder holds no model, or the device is not there.
        DataError: a file is missing, damaged or changed, or of a newer lnlbench.
    """
    folder = Path(path)
    document = _document(folder)
    tensors = _tensors(folder, document.weights)
    chosen = resolve_device(device)
    try:
        card = Card(**{name: getattr(document, name) for name in Card.model_fields})
        return Model(card, tensors, chosen)
    except DataError as error:
        raise DataError(f"{folder / CARD}: {error} {_AGAIN}") from error


def _document(folder: Path) -> ModelDocument:
    file = folder / CARD
    try:
        content = parse_json(read_text(file))
    except OSError as error:
        raise UsageError(f"{folder} is not a model: {_missing(folder, error)}") from error
    except ValueError as error:
        raise DataError(f"{file} is damaged: {str(error)[:300]}. {_AGAIN}") from error
    _check_format(file, content)
    try:
        return ModelDocument.model_validate(content)
    except ValidationError as error:
        problem = first_problem(error, "the whole")
        raise DataError(f"{file} is not as lnlbench writes it: {problem}. {_AGAIN}") from error


def _check_format(file: Path, content: Any) -> None:
    found = content.get("format") if isinstance(content, dict) else None
    if isinstance(found, int) and found > FORMAT:
        raise DataError(
            f"{file} is of format {found}, and this lnlbench ({lnlbench.__version__}) reads format "
            f"{FORMAT}. Install a newer one: pip install --upgrade lnlbench."
        )


def _missing(folder: Path, error: OSError) -> str:
    if (folder / "spec.json").is_file():
        return f"it is a run. Export its model: lnlbench export {folder} --output model"
    if folder.is_dir() and isinstance(error, FileNotFoundError):
        return f"it holds no {CARD}. Give the folder that 'lnlbench export' wrote."
    return f"{error.strerror or error}. Give the folder that 'lnlbench export' wrote."


def _tensors(folder: Path, weights: WeightsFile) -> dict[str, Tensor]:
    file = folder / weights.file
    try:
        size = file.stat().st_size
        content = file.read_bytes() if size == weights.bytes else b""
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"Cannot read the weights {file}: {reason}. {_AGAIN}") from error
    if size != weights.bytes:
        raise DataError(
            f"The weights {file} have {size:,} bytes, not the {weights.bytes:,} that {CARD} names: "
            f"the file is cut off or changed. {_AGAIN}"
        )
    if hashlib.sha256(content).hexdigest() != weights.sha256:
        raise DataError(
            f"The weights {file} do not have the SHA-256 that {CARD} names: the file is damaged or "
            f"changed. {_AGAIN}"
        )
    try:
        return load(content)
    except Exception as error:  # a header that somebody made may raise anything
        raise DataError(
            f"{file} is not a safetensors file: {str(error)[:300]}. {_AGAIN}"
        ) from error
