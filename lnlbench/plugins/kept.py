"""The declarations of plugins as JSON, and the catalogue that is made from them.

Code that a spec does not need, such as the loading of a data set, imports the plugins when it is
called.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, JsonValue
from pydantic_core import to_jsonable_python

from lnlbench.interface.data_source import DataSource
from lnlbench.interface.declared import Declaration
from lnlbench.interface.params import Params, Recipe
from lnlbench.interface.params import Params as BaseParams
from lnlbench.interface.portable import read_params, write_params
from lnlbench.networks.backbone import Backbone
from lnlbench.plugins.loading import load_plugins
from lnlbench.plugins.registry import Catalogue, Origin, Plugins
from lnlbench.tracks import Track


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
    """What a method asks for, and on which parameters it depends; None if that cannot be told."""
    watched: Any = Watched(params)
    try:
        asked = plugins.augmentations(name, watched)
    except Exception:  # foreign code may need parameters that are no stand-in
        return None
    read = {field: to_jsonable_python(getattr(params, field)) for field in watched.seen_fields}
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


class KeptDeclaration(Declaration):
    """What a kept method declares."""

    def __init__(self, kept: KeptMethod) -> None:
        self._kept = kept
        self.name, self.reference, self.networks = kept.name, kept.reference, kept.networks
        self.oracle, self.recipes = frozenset(kept.oracle), kept.recipes
        self.__doc__ = kept.text

    @cached_property
    def Params(self) -> type[BaseParams]:
        """The class of the parameters, or an equal one."""
        return read_params(self._kept.params)

    def augmentations(self, params: BaseParams) -> tuple[str, ...] | None:
        """What the method asks for with these parameters; None if that is not kept."""
        for views in self._kept.views:
            values = {field: to_jsonable_python(getattr(params, field)) for field in views.read}
            if values == views.read:
                return views.augmentations
        return None


class KeptPlugins(Catalogue):
    """The catalogue that kept declarations make."""

    def __init__(self, kept: KeptDeclarations, skipped: Sequence[Origin]) -> None:
        super().__init__(loaded=kept.loaded, skipped=list(skipped))
        declared = {each.name: KeptDeclaration(each) for each in kept.methods}
        self.methods = self._declared = declared
        self.origins = {each.name: each.origin for each in kept.methods}
        self.backbones = {each.name: self._backbone(each) for each in kept.backbones}
        self.backbone_origins = {each.name: each.origin for each in kept.backbones}
        self.datasets = KeptSources({each.name: each for each in kept.datasets}, self)
        self.dataset_origins = {each.name: each.origin for each in kept.datasets}
        tracks = [
            (Track.model_validate({**each.track, "folder": each.folder}), each.origin)
            for each in kept.tracks
        ]
        self.tracks = {track.name: track for track, _ in tracks}
        self.track_origins = {track.name: origin for track, origin in tracks}
        self._plugins: Plugins | None = None

    def augmentations(self, name: str, params: Params) -> tuple[str, ...]:
        """The augmentations that a method with these parameters asks its run for."""
        kept = self._declared[name].augmentations(params)
        if kept is not None:
            return kept
        method = self.load().method(name)
        return method(method.Params.model_validate(params.model_dump())).augmentations()

    def load(self) -> Plugins:
        """The plugins themselves, imported."""
        if self._plugins is None:
            self._plugins = load_plugins()
        return self._plugins

    def _backbone(self, kept: KeptBackbone) -> Backbone:
        def weights() -> Any:
            own = self.load().backbones[kept.name].weights
            assert own is not None
            return own()

        def build(num_classes: int, shape: tuple[int, int, int]) -> Any:
            own = self.load().backbones[kept.name].build
            assert own is not None
            return own(num_classes, shape)

        build.__doc__ = kept.text
        return Backbone(
            *(kept.name, kept.pretrained_on),
            weights if kept.weighs else None,
            build if kept.builds else None,
        )


class KeptSources(Mapping[str, DataSource]):
    """Data sets of plugins, made when one is asked for: its settings may have to be imported."""

    def __init__(self, kept: Mapping[str, KeptSource], catalogue: Catalogue) -> None:
        self._kept = kept
        self._catalogue = catalogue

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept)

    def __getitem__(self, name: str) -> DataSource:
        kept = self._kept[name]

        def load(params: Params) -> Any:
            source = self._source(name)
            return source.load(_like(source, params))

        def collect(params: Params) -> Any:
            source = self._source(name)
            assert source.collect is not None
            return source.collect(_like(source, params))

        return DataSource(
            *(name, kept.title, read_params(kept.params), load, kept.reading),
            collect if kept.collects else None,
        )

    def _source(self, name: str) -> DataSource:
        return self._catalogue.load().datasets[name]


def _like(source: DataSource, params: Params) -> Params:
    """The same settings as an object of the data set's own class."""
    given = set(params.model_fields_set)
    return source.params.model_construct(_fields_set=given, **vars(params))
