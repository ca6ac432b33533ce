"""Checkpoints: save and restore everything that a method keeps on itself, without pickled code."""

import io
import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lnlbench.errors import RunError
from lnlbench.interface.run import Run
from lnlbench.runner.seal import seal, unseal
from lnlbench.system.atomic import write_atomically
from lnlbench.system.text import first_line

_SKIPPED = ("params",)
_PLAIN = (type(None), bool, int, float, str)
_ARRAY_KINDS = "biufcSUmM"  # NumPy's letters for all but objects and records
# Objects with state of their own: their state is loaded into the object that `fit` made, so the
# names that `fit` keeps for it stay valid.
_STATEFUL = (nn.Module, torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler)


def capture(owner: object) -> dict[str, Any]:
    """The state of an object's attributes as tensors and plain values.

    Raises:
        RunError: an attribute is of a kind that cannot be saved; the message names it.
    """
    seen: dict[int, int] = {}
    return {
        name: _encode(value, name, seen)
        for name, value in vars(owner).items()
        if name not in _SKIPPED and not isinstance(value, Run)
    }


def restore(owner: object, state: dict[str, Any]) -> None:
    """Restore captured state; modules and optimizers must exist already.

    If two names shared one object, they share one object again.

    Raises:
        RunError: the state does not fit the object, for example after its code has changed.
    """
    restorer = _Restorer()
    for name, saved in state.items():
        try:
            setattr(owner, name, restorer.decode(saved, vars(owner).get(name)))
        except (RuntimeError, ValueError, KeyError, TypeError) as error:
            raise RunError(
                f"The checkpoint does not fit {type(owner).__name__}.{name}: {error}. "
                "Modules and optimizers must be made before the first epoch; if the code has "
                "changed since, start anew with --overwrite."
            ) from error


def _encode(value: Any, name: str, seen: dict[int, int]) -> Any:
    # Exact types: a subclass (np.float64 of float, a named tuple of tuple) would not be restored.
    if type(value) in _PLAIN:
        return value
    if type(value) is tuple:
        return ["tuple", [_encode(item, name, seen) for item in value]]
    if isinstance(value, np.generic) and value.dtype.kind in _ARRAY_KINDS:
        return ["scalar", *_encode_array(np.asarray(value))]
    if id(value) in seen:
        return ["same", seen[id(value)]]
    seen[id(value)] = len(seen)
    if isinstance(value, Tensor):
        return ["tensor", value.detach()]
    if isinstance(value, _STATEFUL):
        return ["state", value.state_dict(), *_module_flags(value)]
    if isinstance(value, torch.Generator):
        return ["generator", value.get_state()]
    if isinstance(value, np.random.Generator):
        return ["numpy generator", json.dumps(value.bit_generator.state, default=np.ndarray.tolist)]
    if isinstance(value, np.ndarray) and value.dtype.kind in _ARRAY_KINDS:
        return ["array", *_encode_array(value)]
    if type(value) is list:
        return ["list", [_encode(item, name, seen) for item in value]]
    if type(value) is dict:
        pairs = value.items()
        return ["dict", [[_encode(k, name, seen), _encode(v, name, seen)] for k, v in pairs]]
    raise RunError(
        f"Attribute {name!r} holds a {type(value).__name__}, which no checkpoint can hold. "
        "A method may keep modules, optimizers, tensors, arrays, generators and plain values on "
        "self; keep anything else in a local variable of fit()."
    )


def _encode_array(value: np.ndarray) -> list[Any]:
    flat = torch.from_numpy(np.ascontiguousarray(value).reshape(-1).view(np.uint8).copy())
    return [flat, value.dtype.str, list(value.shape)]


def _decode_array(flat: Tensor, dtype: str, shape: list[int]) -> np.ndarray:
    return flat.cpu().numpy().view(dtype).reshape(shape)


def _module_flags(value: Any) -> list[list[bool]]:
    """Training modes and frozen parameters, because a state_dict leaves them out."""
    if not isinstance(value, nn.Module):
        return []
    training = [module.training for module in value.modules()]
    return [training, [parameter.requires_grad for parameter in value.parameters()]]


class _Restorer:
    """Turns saved state into values; loads it into the objects that `fit` made if they fit."""

    def __init__(self) -> None:
        self._values: list[Any] = []  # in the order in which `_encode` met them
        self._used: set[int] = set()

    def decode(self, saved: Any, current: Any) -> Any:
        if not isinstance(saved, list):
            return saved
        kind, *content = saved
        if kind == "same":
            return self._values[content[0]]
        if kind == "scalar":
            return _decode_array(*content)[()]
        if kind == "tuple":
            known = list(current) if isinstance(current, tuple) else []
            return tuple(self._decode_items(content[0], known))
        if id(current) in self._used:
            # One object at the start of fit, but two objects when it was saved.
            current = None
        if kind == "list":
            return self._refill_list(content[0], current)
        if kind == "dict":
            return self._refill_dict(content[0], current)
        return self._keep(_decode_object(kind, content, current))

    def _keep(self, value: Any) -> Any:
        self._values.append(value)
        self._used.add(id(value))
        return value

    def _decode_items(self, saved: list[Any], known: list[Any]) -> list[Any]:
        known = known + [None] * (len(saved) - len(known))
        return [self.decode(item, old) for item, old in zip(saved, known, strict=False)]

    def _refill_list(self, saved: list[Any], current: Any) -> list[Any]:
        value = self._keep(current if type(current) is list else [])
        value[:] = self._decode_items(saved, list(value))
        return value

    def _refill_dict(self, saved: list[Any], current: Any) -> dict[Any, Any]:
        value = self._keep(current if type(current) is dict else {})
        known = dict(value)
        value.clear()
        for saved_key, saved_item in saved:
            key = self.decode(saved_key, None)
            value[key] = self.decode(saved_item, known.get(key))
        return value


def _decode_object(kind: str, content: list[Any], current: Any) -> Any:
    if kind == "state":
        if not isinstance(current, _STATEFUL):
            raise ValueError("it was not made again before the first epoch")
        current.load_state_dict(content[0])
        if isinstance(current, nn.Module):
            for module, training in zip(current.modules(), content[1], strict=True):
                module.training = training
            for parameter, learns in zip(current.parameters(), content[2], strict=True):
                parameter.requires_grad_(learns)
        return current
    if kind == "generator":
        generator = current if isinstance(current, torch.Generator) else torch.Generator()
        generator.set_state(content[0].cpu())
        return generator
    if kind == "numpy generator":
        return _decode_numpy_generator(json.loads(content[0]), current)
    if kind == "array":
        array = _decode_array(*content)
        if not _fits(array, current, np.ndarray):
            return array
        current[...] = array
        return current
    tensor = content[0]
    if not _fits(tensor, current, Tensor):
        return tensor.clone()
    with torch.no_grad():
        return current.copy_(tensor)


def _decode_numpy_generator(state: dict[str, Any], current: Any) -> np.random.Generator:
    kind = state["bit_generator"]
    generator = current
    if type(getattr(current, "bit_generator", None)).__name__ != kind:
        generator = np.random.Generator(getattr(np.random, kind)())
    generator.bit_generator.state = state
    return generator


def _fits(saved: Any, current: Any, kind: type) -> bool:
    same_kind = isinstance(current, kind)
    return same_kind and bool(current.shape == saved.shape and current.dtype == saved.dtype)


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint in one step, with a hash of its content in front."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_atomically(path, seal(buffer.getvalue()))


def load_checkpoint(path: Path, device: torch.device) -> dict[str, Any]:
    """Read a checkpoint; only tensors and plain values are ever unpickled.

    Raises:
        RunError: the file is damaged, or not a checkpoint.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RunError(f"Cannot read the checkpoint {path}: {error.strerror}.") from error
    content = unseal(data)
    if content is None:
        raise _damaged(path, "its content does not match its checksum")
    try:
        state: dict[str, Any] = torch.load(
            io.BytesIO(content), map_location=device, weights_only=True
        )
    except RuntimeError as error:  # the memory of the device is full, or the device is another one
        raise RunError(
            f"The checkpoint {path} is undamaged, but cannot be loaded here: "
            f"{first_line(error)[:200]}. Free memory of the device, or resume the run with "
            "--device cpu."
        ) from error
    except Exception as error:  # a pickle can raise almost anything
        # torch's own message advises to trust the file, so leave it out.
        raise _damaged(path, "it holds more than tensors and plain values") from error
    return state


def _damaged(path: Path, reason: str) -> RunError:
    again = shlex.join(["lnlbench", "run", "--resume", str(path.parent), "--overwrite"])
    return RunError(f"The checkpoint {path} is damaged: {reason}. Start this run anew: {again}")
