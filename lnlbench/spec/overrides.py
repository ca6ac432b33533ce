"""A protocol with some of its fields replaced."""

from contextlib import suppress
from typing import Any

from pydantic import ValidationError

from lnlbench.errors import UsageError
from lnlbench.tracks import Protocol

# The fields that have an option of their own on the command line; --override sets the others.
OPTIONS = frozenset(
    {
        *("dataset", "noise", "noise_seed", "backbone", "head", "image_size", "body_lr_factor"),
        *("frozen_until", "epochs", "batch_size", "lr", "weight_decay", "augment", "validation"),
        *("validation_labels", "limit_train", "limit_test", "precision"),
    }
)
_PARTS = ("optimizer", "embedding", "pretrained")


class _Unfit(UsageError):
    """Each value of a protocol is allowed, and they do not fit together."""


def override_protocol(protocol: Protocol, changes: dict[str, Any]) -> Protocol:
    """The protocol with some of its fields replaced; a dict replaces single subfields.

    Raises:
        UsageError: a value is not allowed; the message names its option.
    """
    return valid_protocol(merged(protocol.model_dump(mode="json"), changes))


def check_overrides(protocol: Protocol, changes: dict[str, Any]) -> None:
    """Refuse values that are invalid on their own.

    Values that only conflict with each other pass, because a recipe may still change one of them.

    Raises:
        UsageError: a value is not allowed; the message names its option.
    """
    with suppress(_Unfit):
        override_protocol(protocol, changes)


def merged(fields: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The fields with some of them replaced; a dict replaces single subfields."""
    result = dict(fields)
    for key, value in changes.items():
        before = result.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            value = {**before, **value}
        result[key] = value
    return result


def valid_protocol(fields: dict[str, Any]) -> Protocol:
    """The protocol of these fields.

    Raises:
        UsageError: a value is not allowed, or they do not fit together.
    """
    try:
        return Protocol.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        if first["loc"] in ((), ("optimizer",)):
            problem = first["msg"].removeprefix("Value error, ")
            raise _Unfit(f"The protocol does not fit together: {problem}.") from error
        path = [str(part) for part in first["loc"]]
        named = path[-1] if path[0] in _PARTS else path[0]
        option = f"--{named.replace('_', '-')}"
        if named not in OPTIONS:
            option = f"--override {'.'.join(path)}"
        raise UsageError(f"{option} was given {first['input']!r}: {first['msg']}.") from error
