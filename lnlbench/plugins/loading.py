"""Find and load plugins one by one; check each first, and keep every failure with its reason.

A plugin is an entry point of group `lnlbench`; the built-in methods are one of them.
"""

import os
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import Distribution, EntryPoint, distributions
from typing import Any

from packaging.utils import canonicalize_name

import lnlbench
from lnlbench.errors import LnlbenchError, unknown_name
from lnlbench.plugins.checks import check_hooks, check_interface, check_requirements, registered
from lnlbench.plugins.data_checks import check_source, check_track
from lnlbench.plugins.importing import import_plugin
from lnlbench.plugins.network_checks import check_backbone
from lnlbench.plugins.refusal import PluginRefused, attempt
from lnlbench.plugins.registry import (
    ENVIRONMENT,
    Catalogue,
    Origin,
    PluginError,
    Plugins,
    new_manager,
)
from lnlbench.system.text import printable

GROUP = "lnlbench"
BUILTIN = "lnlbench"  # the distribution of the built-in methods
LONGEST_REASON = 600  # in characters: a foreign message must not fill the terminal


@dataclass(frozen=True)
class Candidate:
    """A plugin that is installed, before it is imported."""

    origin: Origin
    entry_point: EntryPoint
    requires: tuple[str, ...]


def load_plugins(strict: bool = False) -> Plugins:
    """Find, check and load all plugins in the order of their names, the built-in ones first.

    Raises:
        LnlbenchError: `strict`, and a plugin failed.
        UsageError: LNLBENCH_PLUGINS names a distribution that is not an installed plugin.
    """
    plugins = Plugins()
    for candidate in installed_plugins(plugins):
        try:
            _load(candidate, plugins)
        except PluginRefused as refusal:
            plugins.errors.append(_error(candidate.origin, refusal))
    if strict and plugins.errors:
        failures = "".join(f"\n  {error}" for error in plugins.errors)
        raise LnlbenchError(f"Plugins failed to load:{failures}")
    return plugins


def installed_plugins(catalogue: Catalogue) -> list[Candidate]:
    """The plugins to load, in order; `catalogue` learns of those that are broken or left out.

    Raises:
        UsageError: LNLBENCH_PLUGINS names a distribution that is not an installed plugin.
    """
    return list(_select(_find(catalogue.errors), catalogue))


def _error(origin: Origin, refusal: PluginRefused) -> PluginError:
    return PluginError(origin, textwrap.shorten(printable(refusal), LONGEST_REASON))


def _find(errors: list[PluginError]) -> list[Candidate]:
    """Entry points of the group, built-in first, then by distribution and entry-point name."""
    found: dict[str, list[Candidate]] = {}
    for distribution in distributions():
        # `importlib.metadata.entry_points()` reads all distributions at once, and one malformed
        # file anywhere makes it raise. Reading them one by one confines the damage.
        try:
            candidates = attempt("reading its metadata", partial(_read, distribution))
        except PluginRefused as refusal:
            place = printable(f"a distribution in {distribution.locate_file('')}")
            errors.append(_error(Origin(place, "unknown", "unknown"), refusal))
            continue
        if candidates:  # the first on sys.path shadows others of the same name, as for imports
            found.setdefault(canonicalize_name(candidates[0].origin.distribution), candidates)
    if BUILTIN not in found:  # run from a checkout that is not installed
        builtin = EntryPoint("builtin", "lnlbench.methods", GROUP)
        origin = Origin(BUILTIN, lnlbench.__version__, builtin.name)
        found[BUILTIN] = [Candidate(origin, builtin, ())]
    order = sorted(found, key=lambda name: (name != BUILTIN, name))
    return [
        candidate
        for name in order
        for candidate in sorted(found[name], key=lambda each: each.entry_point.name)
    ]


def _read(distribution: Distribution) -> list[Candidate]:
    """The plugins of one distribution: usually at most one.

    Raises:
        PluginRefused: the distribution has no name or no version.
    """
    text = distribution.read_text("entry_points.txt")
    if text is None or f"[{GROUP}]" not in text:
        return []
    name, version = distribution.metadata["Name"], distribution.version
    if not name or not version:
        raise PluginRefused("its METADATA has no Name or no Version")
    return [
        Candidate(
            Origin(printable(name), printable(version), printable(entry_point.name)),
            entry_point,
            tuple(distribution.requires or ()),
        )
        for entry_point in distribution.entry_points
        if entry_point.group == GROUP
    ]


def _select(candidates: list[Candidate], catalogue: Catalogue) -> Iterator[Candidate]:
    """Leave out plugins that LNLBENCH_PLUGINS does not name, such as one that hangs at import."""
    setting = os.environ.get(ENVIRONMENT, "").strip()
    if not setting:
        yield from candidates
        return
    wanted = {canonicalize_name(name.strip()) for name in setting.split(",") if name.strip()}
    wanted.discard("none")
    names = {canonicalize_name(candidate.origin.distribution) for candidate in candidates}
    for name in sorted(wanted - names):
        raise unknown_name(
            f"plugin distribution in {ENVIRONMENT}", name, names, "Or `none` for the built-in ones."
        )
    for candidate in candidates:
        if canonicalize_name(candidate.origin.distribution) in wanted | {BUILTIN}:
            yield candidate
        else:
            catalogue.skipped.append(candidate.origin)


def _load(candidate: Candidate, plugins: Plugins) -> None:
    """Import one plugin, check it in a manager of its own, then add it to the real one.

    A registration that fails leaves a plugin half registered, and an implementation that raises
    aborts the whole hook call. In a manager of its own, a plugin cannot harm the others by either.
    """
    origin, entry_point = candidate.origin, candidate.entry_point
    check_requirements(candidate.requires, lnlbench.__version__)
    plugin = import_plugin(entry_point, origin, ENVIRONMENT)
    # Two distributions may use the same entry-point name. With the distribution's name it becomes
    # unique, so pluggy does not skip the second.
    name = f"{origin.distribution}:{origin.entry_point}"
    alone = new_manager()
    attempt("registering its hooks", lambda: alone.register(plugin, name))
    attempt("checking its hooks", lambda: check_hooks(alone, plugin))
    kinds = _kinds(plugins)
    items = [(kind, registered(alone, kind.hook, kind.returned)) for kind in kinds]
    other = plugins.manager.get_name(plugin)
    if other is not None:
        raise PluginRefused(f"{entry_point.value!r} is already loaded as {other}")
    plugins.manager.register(plugin, name)
    plugins.loaded.append(origin)
    for kind, item in ((kind, item) for kind, found in items for item in found):
        try:
            kind.add(item, origin)
        except PluginRefused as refusal:  # everything else that the plugin provides stays usable
            plugins.errors.append(_error(origin, refusal))


@dataclass(frozen=True)
class _Kind:
    """One kind of thing that plugins provide: the hook for it, its check, and those accepted."""

    name: str
    hook: str
    returned: str
    check: Callable[[Any], None]
    accepted: dict[str, Any]
    origins: dict[str, Origin]

    def add(self, item: Any, origin: Origin) -> None:
        """Check an item and accept it.

        Raises:
            PluginRefused: the item is wrong, or another plugin provides one of that name.
        """
        attempt(f"checking a {self.name}", lambda: self.check(item))
        if item.name in self.accepted:
            raise PluginRefused(
                f"{self.name} {item.name!r} of {origin.distribution} is already provided by "
                f"{self.origins[item.name].distribution}; rename it, or uninstall one of the two"
            )
        self.accepted[item.name] = item
        self.origins[item.name] = origin


def _kinds(found: Plugins) -> list[_Kind]:
    return [
        _Kind(
            *("method", "register_methods", "Method classes", check_interface),
            *(found.methods, found.origins),
        ),
        _Kind(
            *("backbone", "register_backbones", "Backbones", check_backbone),
            *(found.backbones, found.backbone_origins),
        ),
        _Kind(
            *("data set", "register_datasets", "DataSources", check_source),
            *(found.datasets, found.dataset_origins),
        ),
        _Kind(
            *("track", "register_tracks", "Tracks", check_track),
            *(found.tracks, found.track_origins),
        ),
    ]
