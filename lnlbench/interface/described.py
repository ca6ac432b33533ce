"""Descriptions of the fields of a Params class, for tables and pages."""

import json
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from lnlbench.interface.params import Params, search_ranges

_BOUNDS = {
    "gt": ">",
    "ge": "≥",
    "lt": "<",
    "le": "≤",
    "multiple_of": "multiple of",
    "min_length": "length ≥",
    "max_length": "length ≤",
    "pattern": "matches",
}


def describe_params(params: type[Params]) -> list[dict[str, Any]]:
    """The name, type, bounds, default, description and search range of each field, in order."""
    searched = search_ranges(params)
    required = [key for key, field in params.model_fields.items() if field.is_required()]
    defaults: dict[str, Any] = dict.fromkeys(required)
    if not required:  # only a data set may have required fields, such as its place
        default = params()
        # A document may leave out fields that have no effect at their defaults.
        defaults = {**vars(default), **default.model_dump(mode="json")}
    return [
        {
            "name": key,
            "type": _type_name(field.annotation),
            "bounds": _bounds(field.metadata),
            "default": defaults.get(key, field.default),
            "description": field.description or "",
            "search": str(searched[key]) if key in searched else None,
        }
        for key, field in params.model_fields.items()
    ]


def _type_name(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return " | ".join(json.dumps(value) for value in get_args(annotation))
    if get_origin(annotation) in (Union, UnionType):
        # Not str(): versions of Python print a union with a Literal differently.
        return " | ".join(_type_name(part) for part in get_args(annotation))
    if annotation is NoneType:
        return "None"
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__name__
    return str(annotation).replace("typing.", "")


def _bounds(metadata: list[Any]) -> str:
    """Pydantic keeps each bound of a field as an object with an attribute of the bound's name."""
    return ", ".join(
        f"{symbol} {getattr(constraint, attribute)}"
        for constraint in metadata
        for attribute, symbol in _BOUNDS.items()
        if getattr(constraint, attribute, None) is not None
    )
