"""A Params class as JSON, from which an equal class is built without the module that declares it.

A module of a method imports torch, which takes seconds. A class that needs code of its own, such as
a validator in its body, is only named, and imported from its module.
"""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import reduce
from importlib import import_module
from operator import or_
from types import FunctionType, NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Field, create_model
from pydantic.fields import FieldInfo

from lnlbench.interface.described import describe_params
from lnlbench.interface.params import Params

_PACKAGES_OF_TYPES = (
    *("annotated_types", "builtins", "collections", "datetime", "decimal", "enum", "fractions"),
    *("numbers", "pathlib", "pydantic", "typing", "uuid"),
)
# Parts of pydantic's schema of a class that differ between equal classes.
_OF_THE_CLASS_ALONE = ("ref", "schema_ref", "cls", "metadata")


class NotPortable(ValueError):
    """Something cannot be written as JSON and found again."""


def write_params(params: type[Params]) -> dict[str, Any]:
    """A document of JSON values from which `read_params` makes the class, or an equal one.

    Raises:
        NotPortable: the class is not found under its own name in its module.
    """
    named = {"class": _place(params)}
    try:
        document = {**named, "fields": {k: _field(v) for k, v in params.model_fields.items()}}
        return document if _equal(read_params(document), params) else named
    except (NotPortable, TypeError):
        return named


def read_params(document: Mapping[str, Any]) -> type[Params]:
    """The class that `write_params` has written.

    Raises:
        NotPortable: it was only named, and is no longer there.
    """
    if "fields" not in document:
        found = _found(document["class"])
        if not (isinstance(found, type) and issubclass(found, Params)):
            raise NotPortable(f"{document['class']} is not a Params class")
        return found
    name = document["class"].rpartition(":")[2].rpartition(".")[2]
    declared = {key: _declared(field) for key, field in document["fields"].items()}
    return create_model(name, __base__=Params, **declared)


def _field(field: FieldInfo) -> dict[str, Any]:
    document = {
        "type": _written(field.annotation),
        "description": field.description,
        "markers": [_marker(marker) for marker in field.metadata],
    }
    if field.default_factory is not None:
        raise NotPortable("a default that is made by a function")
    if not field.is_required():
        document["default"] = _written(field.default)
    return document


def _declared(field: Mapping[str, Any]) -> Any:
    default = _read(field["default"]) if "default" in field else ...
    kind: Any = _read(field["type"])
    for marker in field["markers"]:
        kind = Annotated[kind, _read(marker)]
    return kind, Field(default, description=field["description"])


def _marker(marker: Any) -> Any:
    if is_dataclass(marker):
        return _written(marker)
    # pydantic's own, such as a pattern
    return {"limits": {key: _written(value) for key, value in vars(marker).items()}}


def _written(value: Any) -> Any:
    """A type, a marker or a plain value; each but a scalar is a dictionary of one item."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, tuple):
        return {"tuple": [_written(each) for each in value]}
    origin, arguments = get_origin(value), [_written(each) for each in get_args(value)]
    if origin is Annotated:
        raise NotPortable("a type within a type that has limits of its own")
    if origin in (Union, UnionType):
        return {"union": arguments}
    if origin is Literal:
        return {"literal": arguments}
    if origin is not None:
        return {"generic": [_written(origin), *arguments]}
    if value is ... or value is NoneType:
        return {"builtin": "..." if value is ... else "None"}
    if isinstance(value, (type, FunctionType)):
        return {"named": _place(value)}
    if is_dataclass(value):
        parts = {each.name: _written(getattr(value, each.name)) for each in fields(value)}
        return {"made": [_place(type(value)), parts]}
    raise NotPortable(f"a {type(value).__name__}")


def _read(document: Any) -> Any:
    if not isinstance(document, dict):
        return document
    [(kind, content)] = document.items()
    if kind == "builtin":
        return ... if content == "..." else NoneType
    if kind == "named":
        return _part(content)
    if kind == "made":
        made, parts = _part(content[0]), {key: _read(each) for key, each in content[1].items()}
        if not is_dataclass(made) or not isinstance(made, type):
            raise NotPortable(f"{content[0]} is not a dataclass")
        return made(**parts)
    if kind == "limits":
        return Field(**{key: _read(each) for key, each in content.items()})
    arguments = tuple(_read(each) for each in content)
    if kind == "tuple":
        return arguments
    if kind == "union":
        return reduce(or_, arguments)
    return Literal[arguments] if kind == "literal" else arguments[0][arguments[1:]]


def _place(value: Any) -> str:
    place = f"{value.__module__}:{value.__qualname__}"
    if _found(place) is not value:
        raise NotPortable(f"{place} is another object")
    return place


def _found(place: str) -> Any:
    module, _, name = place.partition(":")
    try:
        return reduce(getattr, name.split("."), import_module(module))
    except (ImportError, AttributeError) as error:
        raise NotPortable(f"{place} is not there") from error


def _part(place: str) -> Any:
    """A class or function that fields are made of.

    Others may be able to write to the cache, so a document can name functions of lnlbench and its
    plugins alone, and classes of few other packages.
    """
    package = place.partition(":")[0].partition(".")[0]
    own = package == "lnlbench" or package.startswith("lnlbench_")
    if not own and package not in _PACKAGES_OF_TYPES:
        raise NotPortable(f"a document of parameters cannot name {place}")
    found = _found(place)
    if not own and not isinstance(found, type):
        raise NotPortable(f"{place} is not a class")
    return found


def _equal(one: type[Params], other: type[Params]) -> bool:
    """Whether two classes accept, refuse, write and describe all values alike."""
    own = {name for base in other.__mro__[: other.__mro__.index(Params)] for name in vars(base)}
    overridden = own & {name for name in vars(BaseModel) if not name.startswith("_")} - {
        *("model_config", "model_fields", "model_computed_fields")
    }
    return (
        not overridden
        and _shape(one.__pydantic_core_schema__) == _shape(other.__pydantic_core_schema__)
        and describe_params(one) == describe_params(other)
    )


def _shape(schema: Any) -> Any:
    if isinstance(schema, dict):
        kept = {key: each for key, each in schema.items() if key not in _OF_THE_CLASS_ALONE}
        return {key: _shape(each) for key, each in kept.items()}
    if isinstance(schema, (list, tuple)):
        return [_shape(each) for each in schema]
    if callable(schema):
        return f"{schema.__module__}:{schema.__qualname__}"
    return type(schema), schema
