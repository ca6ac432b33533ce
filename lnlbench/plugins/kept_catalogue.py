"""The catalogue that kept declarations of plugins make.

Code that a spec does not need, such as the loading of a data set, imports the plugins when it is
called.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from pydantic_core import to_jsonable_python

from lnlbench.interface.data_source import DataSource
from lnlbench.interface.declared import Declaration
from lnlbench.interface.params import Params
from lnlbench.interface.params import Params as BaseParams
from lnlbench.interface.portable import read_params
from lnlbench.networks.backbone import Backbone
from lnlbench.plugins.kept import KeptBackbone, KeptDeclarations, KeptMethod, KeptSource
from lnlbench.plugins.loading import load_plugins
from lnlbench.plugins.registry import Catalogue, Origin, Plugins
from lnlbench.tracks import Track


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
        """What the method asks for with these parameters; None if the file does not say."""
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
