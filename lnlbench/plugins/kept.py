"""The declarations of plugins, written down as JSON."""

import inspect
from pathlib import Path
from typing import Any

from pydantic import BaseModel, JsonValue
from pydantic_core import to_jsonable_python

from lnlbench.interface.params import Params, Recipe
from lnlbench.interface.portable import write_params
from lnlbench.plugins.registry import Origin, Plugins


class KeptViews(BaseModel):
    """The augmentations that a method asks for when the parameters that it looks at are these."""

    read: dict[str, JsonValue]
    augmentations: tuple[str, ...]


class KeptMethod(BaseModel):
    """The declarations of a method, written down."""

    name: str
    reference: str
    networks: int
    oracle: list[str]
    recipes: dict[str, Recipe]
    text: str | None
    params: dict[str, JsonValue]
    views: list[KeptViews]
    origin: Origin


class KeptBackbone(BaseModel):
    """A backbone of a plugin, without its weights or the code that builds it."""

    name: str
    pretrained_on: str
    weighs: bool
    builds: bool
    text: str | None
    origin: Origin


class KeptSource(BaseModel):
    """A data set of a plugin, without the code that reads it."""

    name: str
    title: str
    params: dict[str, JsonValue]
    reading: tuple[str, ...]
    collects: bool
    origin: Origin


class KeptTrack(BaseModel):
    """A track of a plugin, with the fields that a track's document leaves out."""

    track: dict[str, JsonValue]
    folder: Path | None
    origin: Origin


class KeptDeclarations(BaseModel):
    """All that plugins declare."""

    loaded: list[Origin]
    methods: list[KeptMethod]
    backbones: list[KeptBackbone]
    datasets: list[KeptSource]
    tracks: list[KeptTrack]


def declarations(plugins: Plugins) -> KeptDeclarations:
    """What the plugins declare.

    Raises:
        NotPortable: a class of parameters cannot be found again by its name.
    """
    return KeptDeclarations(
        loaded=plugins.loaded,
        methods=[_kept_method(plugins, name) for name in plugins.methods],
        backbones=[
            KeptBackbone(
                name=name,
                pretrained_on=each.pretrained_on,
                weighs=each.weights is not None,
                builds=each.build is not None,
                text=each.build.__doc__ if each.build is not None else None,
                origin=plugins.backbone_origins[name],
            )
            for name, each in plugins.backbones.items()
        ],
        datasets=[
            KeptSource(
                name=name,
                title=each.title,
                params=write_params(each.params),
                reading=each.reading,
                collects=each.collect is not None,
                origin=plugins.dataset_origins[name],
            )
            for name, each in plugins.datasets.items()
        ],
        tracks=[
            KeptTrack(
                track=each.model_dump(mode="json"),
                folder=each.folder,
                origin=plugins.track_origins[name],
            )
            for name, each in plugins.tracks.items()
        ],
    )


def _kept_method(plugins: Plugins, name: str) -> KeptMethod:
    method = plugins.method(name)
    chosen = [{}, *(recipe.params for recipe in method.recipes.values())]
    views = [_views(plugins, name, method.Params.model_validate(params)) for params in chosen]
    return KeptMethod(
        name=name,
        reference=method.reference,
        networks=method.networks,
        oracle=sorted(method.oracle),
        recipes=method.recipes,
        text=method.__doc__,
        params=write_params(method.Params),
        views=[each for each in views if each is not None],
        origin=plugins.origins[name],
    )


def _views(plugins: Plugins, name: str, params: Params) -> KeptViews | None:
    """What a method asks for, and the parameters that decide it; None if the method fails here."""
    watched: Any = Watched(params)
    try:
        asked = plugins.augmentations(name, watched)
    except Exception:  # foreign code may need parameters that are no stand-in
        return None
    read = {
        field: to_jsonable_python(getattr(params, field)) for field in sorted(watched.seen_fields)
    }
    return KeptViews(read=read, augmentations=asked)


class Watched:
    """Parameters that note which of their fields are read."""

    def __init__(self, params: Params) -> None:
        self._params = params
        self.seen_fields: set[str] = set()

    @property  # type: ignore[misc]
    def __class__(self) -> type:  # isinstance() asks for it
        return type(self._params)

    def __getattr__(self, name: str) -> Any:
        kind = type(self._params)
        if name in kind.model_fields:
            self.seen_fields.add(name)
            return getattr(self._params, name)
        found = inspect.getattr_static(kind, name)
        # A method or property of the parameters reads fields, too.
        return found.__get__(self, kind) if hasattr(found, "__get__") else found
