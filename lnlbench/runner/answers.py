"""What a method answers between epochs, and whether evaluation can use it."""

import inspect
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lnlbench.errors import BadAnswer
from lnlbench.interface.method import Method


def stacked_logits(method: Method, images: Tensor) -> Tensor:
    """Logits [networks, B, C] of each of the method's networks.

    Raises:
        BadAnswer: the method has no network on self, or a module there takes no images.
    """
    networks = method.trained_networks()
    if not networks:
        raise BadAnswer(
            f"predict of {method.name!r} averages the networks on self, and finds no network. Keep "
            "each as an attribute, such as self.network, or in a list; for another place, such as "
            "a dict, define trained_networks()."
        )
    outputs = []
    for network in networks:
        try:
            outputs.append(network(images))
        except (RuntimeError, TypeError) as error:
            if hasattr(network, "with_features"):  # one of run.network(), so it is not misplaced
                raise
            raise BadAnswer(
                f"predict of {method.name!r} averages the modules on self, and a "
                f"{type(network).__name__} there does not turn images into logits ({error}). Pass "
                "a module that takes no part in predictions through run.helper(…), or define "
                "trained_networks()."
            ) from error
    return torch.stack(outputs)


def check_logits(method: Method, logits: Any, count: int) -> None:
    """Raises BadAnswer unless the method's own `predict` has returned logits [count, C]."""
    if isinstance(logits, Tensor) and logits.dim() == 2 and len(logits) == count:
        return
    raise BadAnswer(
        f"predict(images) of {method.name!r} must return logits [B, C], here for {count} images; "
        f"it returned {_described(logits)}. {_place(method, 'predict')}"
    )


def check_belief(method: Method, belief: Any, count: int) -> None:
    """Raises BadAnswer unless `belief` holds a number in [0, 1] for each of `count` labels."""
    span = ""
    if isinstance(belief, Tensor):
        if belief.shape == (count,) and bool(((belief >= 0) & (belief <= 1)).all()):
            return
        span = f", from {float(belief.min())} to {float(belief.max())}" if belief.numel() else ""
    raise BadAnswer(
        f"clean_probability() of {method.name!r} must be ({count},) values in [0, 1]; it returned "
        f"{_described(belief)}{span}. {_place(method, 'clean_probability')}"
    )


def _place(method: Method, name: str) -> str:
    """Where the method's function of this name begins, as "[mine.py, line 12, in predict]"."""
    code = getattr(inspect.unwrap(getattr(type(method), name)), "__code__", None)
    if code is None:  # an object that can be called
        return f"[{name}]"
    return f"[{Path(code.co_filename).name}, line {code.co_firstlineno}, in {name}]"


def _described(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    return "None" if value is None else f"a {type(value).__name__}"
