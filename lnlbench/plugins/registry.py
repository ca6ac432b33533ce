"""The outcome of loading: the plugins in use, what they provide, and why others failed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pluggy

from lnlbench.errors import UsageError, unknown_name
from lnlbench.plugins import hookspecs
from lnlbench.plugins.known import bringer, not_installed

if TYPE_CHECKING:
    from lnlbench.interface.data_source import DataSource
    from lnlbench.interface.declared import Declared
    from lnlbench.interface.method import Method
    from lnlbench.interface.params import Params
    from lnlbench.networks.backbone import Backbone
    from lnlbench.tracks import Track

ENVIRONMENT = "LNLBENCH_PLUGINS"  # "none", or the distributions to load besides lnlbench


@dataclass(frozen=True)
class Origin:
    """Where a plugin comes from."""

    distribution: str
    version: str
    entry_point: str

    def __str__(self) -> str:
        return f"{self.distribution} {self.version} ({self.entry_point})"


@dataclass(frozen=True)
class PluginError:
    """Why a plugin, or something that it provides, is not used."""

    origin: Origin
    reason: str

    def __str__(self) -> str:
        return f"{self.origin}: {self.reason}"


def new_manager() -> pluggy.PluginManager:
    """A manager that knows the hooks and holds no plugin yet."""
    manager = pluggy.PluginManager("lnlbench")
    manager.add_hookspecs(hookspecs)
    return manager


@dataclass
class Catalogue:
    """What the installed plugins provide, and which failed: all that a run's spec depends on.

    Of a method it needs no more than the declarations, so a catalogue may be read from disk without
    importing any plugin.
    """

    methods: "Mapping[str, Declared]" = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)  # by method name
    backbones: "dict[str, Backbone]" = field(default_factory=dict)
    backbone_origins: dict[str, Origin] = field(default_factory=dict)  # by backbone name
    datasets: "Mapping[str, DataSource]" = field(default_factory=dict)
    dataset_origins: dict[str, Origin] = field(default_factory=dict)  # by data set name
    tracks: "dict[str, Track]" = field(default_factory=dict)
    track_origins: dict[str, Origin] = field(default_factory=dict)  # by track name
    loaded: list[Origin] = field(default_factory=list)
    errors: list[PluginError] = field(default_factory=list)
    skipped: list[Origin] = field(default_factory=list)  # left out by LNLBENCH_PLUGINS

    def method(self, name: str) -> "Declared":
        """The declarations of the method of that name.

        Raises:
            UsageError: no plugin has it; the message says which plugin brings it, or names the
                nearest method and the plugins that failed.
        """
        if name in self.methods:
            return self.methods[name]
        raise self._unknown(name)

    def augmentations(self, name: str, params: "Params") -> tuple[str, ...]:
        """The augmentations that a method with these parameters asks its run for."""
        return self.load().augmentations(name, params)

    def load(self) -> "Plugins":
        """The plugins themselves, imported."""
        raise NotImplementedError

    def _unknown(self, name: str) -> UsageError:
        known = bringer(name)
        if known is not None and not self.finds(known):
            return not_installed(f"method {name!r}", known)
        hint = "`lnlbench methods` lists them with their references."
        if self.errors:
            failures = "".join(f"\n  {error}" for error in self.errors)
            hint += (
                f"\nThese plugins failed to load and may provide it:{failures}"
                "\n`lnlbench plugins` shows more."
            )
        if self.skipped:
            names = ", ".join(sorted({origin.distribution for origin in self.skipped}))
            hint += f"\nThese plugins were left out by {ENVIRONMENT}: {names}."
        return unknown_name("method", name, self.methods, hint)

    def finds(self, distribution: str) -> bool:
        """Whether a distribution is installed, even if it failed or was left out."""
        origins = [*self.loaded, *self.skipped, *(error.origin for error in self.errors)]
        return any(origin.distribution == distribution for origin in origins)


@dataclass
class Plugins(Catalogue):
    """The plugins that loaded, with the code of their methods."""

    methods: "dict[str, type[Method]]" = field(default_factory=dict)
    datasets: "dict[str, DataSource]" = field(default_factory=dict)
    manager: pluggy.PluginManager = field(default_factory=new_manager)

    def method(self, name: str) -> "type[Method]":
        """The method of that name.

        Raises:
            UsageError: no loaded plugin has it; see `Catalogue.method`.
        """
        if name in self.methods:
            return self.methods[name]
        raise self._unknown(name)

    def augmentations(self, name: str, params: "Params") -> tuple[str, ...]:
        """The augmentations that a method with these parameters asks its run for."""
        return self.method(name)(params).augmentations()

    def load(self) -> "Plugins":
        """These plugins."""
        return self
