"""Checkpoints: whatever a method keeps on itself, saved and restored without pickled code."""

import hashlib
import io
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lnlbench.errors import RunError
from lnlbench.results.atomic import write_atomically
from lnlbench.run import Run

_MAGIC = b"lnlbench checkpoint 1 "
_SKIPPED = ("params",)
# What has state of its own is loaded into the object that `fit` made, so that names which `fit`
# keeps for it stay valid.
_STATEFUL = (nn.Module, torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler)


def capture(owner: object) -> dict[str, Any]:
    """The state of an object's attributes as tensors and plain values.

    Raises:
        RunError: an attribute is of a kind that cannot be saved; names it.
    """
    return {
        name: _encode(value, name)
        for name, value in vars(owner).items()
        if name not in _SKIPPED and not isinstance(value, Run)
    }


def restore(owner: object, state: dict[str, Any]) -> None:
    """Put captured state back; modules and optimizers must exist already.

    Raises:
        RunError: the state does not fit the object, for example after its code has changed.
    """
    for name, saved in state.items():
        try:
            setattr(owner, name, _decode(saved, vars(owner).get(name)))
        except (RuntimeError, ValueError, KeyError, TypeError) as error:
            raise RunError(
                f"The checkpoint does not fit {type(owner).__name__}.{name}: {error}. "
                "Modules and optimizers must be made before the first epoch; if the code has "
                "changed since, start anew with --overwrite."
            ) from error


def _encode(value: Any, name: str) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Tensor):
        return ["tensor", value.detach()]
    if isinstance(value, _STATEFUL):
        return ["state", value.state_dict()]
    if isinstance(value, torch.Generator):
        return ["generator", value.get_state()]
    if isinstance(value, np.random.Generator):
        return ["numpy generator", json.dumps(value.bit_generator.state)]
    if isinstance(value, (np.ndarray, np.generic)):
        return ["array", torch.from_numpy(np.atleast_1d(value).copy()), list(np.shape(value))]
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, [_encode(item, name) for item in value]]
    if isinstance(value, dict):
        return ["dict", [[_encode(k, name), _encode(v, name)] for k, v in value.items()]]
    raise RunError(
        f"Attribute {name!r} holds a {type(value).__name__}, which no checkpoint can hold. "
        "A method may keep modules, optimizers, tensors, arrays, generators and plain values on "
        "self; keep anything else in a local variable of fit()."
    )


def _decode(saved: Any, current: Any) -> Any:
    if not isinstance(saved, list):
        return saved
    kind, content = saved[0], saved[1]
    if kind == "state":
        if not isinstance(current, _STATEFUL):
            raise ValueError("it was not made again before the first epoch")
        current.load_state_dict(content)
        return current
    if kind == "tensor":
        return _restore_tensor(content, current)
    if kind == "generator":
        generator = current if isinstance(current, torch.Generator) else torch.Generator()
        generator.set_state(content)
        return generator
    if kind == "numpy generator":
        numbers = current if isinstance(current, np.random.Generator) else np.random.default_rng()
        numbers.bit_generator.state = json.loads(content)
        return numbers
    if kind == "array":
        return content.numpy().reshape(saved[2])
    if kind == "dict":
        known = current if isinstance(current, dict) else {}
        pairs = [(_decode(key, None), value) for key, value in content]
        return {key: _decode(value, known.get(key)) for key, value in pairs}
    known_items = list(current) if isinstance(current, (list, tuple)) else []
    known_items += [None] * (len(content) - len(known_items))
    items = [_decode(item, known) for item, known in zip(content, known_items, strict=False)]
    return tuple(items) if kind == "tuple" else items


def _restore_tensor(saved: Tensor, current: Any) -> Tensor:
    if (
        isinstance(current, Tensor)
        and current.shape == saved.shape
        and current.dtype == saved.dtype
    ):
        with torch.no_grad():
            return current.copy_(saved)
    return saved.clone()


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint in one step, with a hash of its content in front."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getvalue()
    write_atomically(path, _MAGIC + hashlib.sha256(content).hexdigest().encode() + b"\n" + content)


def load_checkpoint(path: Path, device: torch.device) -> dict[str, Any]:
    """Read a checkpoint; nothing but tensors and plain values is ever unpickled.

    Raises:
        RunError: the file is damaged, or no checkpoint.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RunError(f"Cannot read the checkpoint {path}: {error.strerror}.") from error
    header, _, content = data.partition(b"\n")
    if header != _MAGIC + hashlib.sha256(content).hexdigest().encode():
        raise RunError(
            f"The checkpoint {path} is damaged: its content does not match its checksum. "
            f"Start this run anew: lnlbench run --spec {path.parent / 'spec.json'} --overwrite"
        )
    try:
        state: dict[str, Any] = torch.load(
            io.BytesIO(content), map_location=device, weights_only=True
        )
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise RunError(
            f"The checkpoint {path} holds more than tensors and plain values, so it is not loaded. "
            f"Start this run anew: lnlbench run --spec {path.parent / 'spec.json'} --overwrite"
        ) from error
    return state
