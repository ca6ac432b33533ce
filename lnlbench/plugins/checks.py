"""Checks that decide whether a plugin, or a method that it provides, is refused."""

import inspect
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pluggy
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from lnlbench.errors import UsageError, unknown_name
from lnlbench.plugins import hookspecs
from lnlbench.plugins.refusal import PluginRefused, attempt

METHOD_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def check_requirements(requires: Iterable[str], version: str) -> None:
    """Test a distribution's own `Requires-Dist: lnlbench` against the running version.

    pip does not enforce the requirement once both are installed. Lines for an extra, and lines
    whose marker is false here, do not count.

    Raises:
        PluginRefused: the running version is outside the specifier, or a line is unreadable.
    """
    for line in requires:
        try:
            requirement = Requirement(line)
        except InvalidRequirement as error:
            raise PluginRefused(f"its Requires-Dist {line!r} is not a requirement") from error
        if canonicalize_name(requirement.name) != "lnlbench":
            continue
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            raise PluginRefused(
                f"it requires lnlbench{requirement.specifier}, and this is lnlbench {version}; "
                "install a version of the plugin made for this one"
            )


def check_hooks(manager: pluggy.PluginManager, plugin: object) -> None:
    """Refuse mistakes that pluggy would ignore; `manager` holds only the hookspecs and this plugin.

    Raises:
        PluginRefused: no hook is implemented, a hook does not exist, an argument has a default,
            or an implementation is a wrapper.
    """
    hooks = sorted(name for name in vars(hookspecs) if name in vars(manager.hook))
    callers = manager.get_hookcallers(plugin) or []
    if not callers:
        forgotten = [name for name in hooks if hasattr(plugin, name)]
        if forgotten:
            raise PluginRefused(f"@lnlbench.hookimpl is missing on {forgotten[0]}")
        raise PluginRefused(
            f"it implements no hook; decorate one with @lnlbench.hookimpl: {', '.join(hooks)}"
        )
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        unknown = next(caller.name for caller in callers if not caller.has_spec())
        raise PluginRefused(str(unknown_name("hook", unknown, hooks))) from error
    for implementation in (each for caller in callers for each in caller.get_hookimpls()):
        name = implementation.function.__name__
        if implementation.wrapper or implementation.hookwrapper:
            raise PluginRefused(f"{name} is a hook wrapper and would change other plugins' results")
        for parameter in inspect.signature(implementation.function).parameters.values():
            if parameter.default is not parameter.empty:
                raise PluginRefused(
                    f"argument {parameter.name!r} of {name} has a default, so it would never be "
                    "passed; remove the default"
                )


def registered(manager: pluggy.PluginManager, hook: str, kind: str) -> list[Any]:
    """What the only plugin in `manager` returns from a registering hook, unchecked.

    Raises:
        PluginRefused: the hook raised, or returned something other than a list.
    """
    caller = getattr(manager.hook, hook)
    results = attempt(f"{hook}()", caller)
    # pluggy leaves None out of the results, so a forgotten `return` shows as a missing one.
    if len(results) < len(caller.get_hookimpls()):
        raise PluginRefused(f"{hook}() returned None, not a list of {kind}")
    for result in results:
        if not isinstance(result, list):
            given = type(result).__name__
            raise PluginRefused(f"{hook}() returned a {given}, not a list of {kind}")
    return [item for result in results for item in result]


def check_interface(method: Any) -> None:
    """Check everything about a method that needs no run.

    Raises:
        PluginRefused: something is wrong; the message names the method and the fault.
    """
    from lnlbench.interface.method import LossMethod, Method

    if not isinstance(method, type) or not issubclass(method, Method):
        raise PluginRefused(f"register_methods() returned {method!r}, not a subclass of Method")
    name = getattr(method, "name", None)
    if not isinstance(name, str):
        raise PluginRefused(f"class {method.__name__} has no name")
    if not METHOD_NAME.fullmatch(name):
        raise PluginRefused(
            f"method name {name!r} is not lower-case words of a-z and 0-9 joined by hyphens"
        )
    reference = getattr(method, "reference", None)
    if not isinstance(reference, str) or not reference.strip():
        raise PluginRefused(f"method {name!r} has no reference (authors, venue, year, URL)")
    try:
        inspect.signature(method).bind("params")
    except TypeError as error:
        raise PluginRefused(
            f"method {name!r}: lnlbench makes it by {method.__name__}(params), and its __init__ "
            f"does not fit: {error}. Leave __init__ out, and make what it needs in fit or begin"
        ) from error
    if method.fit is Method.fit:
        raise PluginRefused(f"method {name!r} does not define fit(run)")
    own_loop = method.fit is not LossMethod.fit
    if not own_loop and issubclass(method, LossMethod) and method.loss is LossMethod.loss:
        raise PluginRefused(f"method {name!r} does not define loss(network, batch, epoch)")
    _check_signatures(name, method)
    if type(method.networks) is not int or method.networks < 1:
        raise PluginRefused(f"method {name!r}: networks is {method.networks!r}, not a count from 1")
    oracle = method.oracle
    if not isinstance(oracle, frozenset) or not all(isinstance(each, str) for each in oracle):
        raise PluginRefused(f"method {name!r}: oracle is {oracle!r}, not a frozenset of names")
    _check_params(name, method)


def _check_signatures(name: str, method: Any) -> None:
    """Refuse a function of the method that cannot be called as lnlbench calls it."""
    from lnlbench.interface.method import LossMethod, Method

    base = LossMethod if issubclass(method, LossMethod) else Method
    for hook, asked in inspect.getmembers(base, inspect.isfunction):
        own = inspect.getattr_static(method, hook)
        if hook.startswith("_") or not inspect.isfunction(own):
            continue
        names = [*inspect.signature(asked).parameters]
        try:
            inspect.signature(own).bind(*names)
        except TypeError as error:
            raise PluginRefused(
                f"method {name!r}: lnlbench calls {hook}({', '.join(names[1:])}), and its {hook} "
                f"does not fit: {error} ({Path(own.__code__.co_filename).name}, "
                f"line {own.__code__.co_firstlineno})"
            ) from error


def _check_params(name: str, method: Any) -> None:
    from lnlbench.interface.method import Method
    from lnlbench.interface.params import CleanSubsetParams, Params, Recipe, validate_params

    params = method.Params
    if not isinstance(params, type) or not issubclass(params, Params):
        raise PluginRefused(f"method {name!r}: Params is not a subclass of lnlbench.Params")
    if params.model_config.get("extra") != "forbid":
        raise PluginRefused(f"method {name!r}: Params has to refuse unknown keys (extra='forbid')")
    try:
        defaults = validate_params(name, params, {})
        # A result file stores parameters as JSON, and repeating a run reads them from there.
        params.model_validate_json(defaults.model_dump_json())
    except (UsageError, ValueError) as error:
        raise PluginRefused(f"method {name!r}: its defaults do not validate: {error}") from error
    if "clean_subset" in method.oracle and not issubclass(params, CleanSubsetParams):
        raise PluginRefused(
            f"method {name!r} declares clean_subset, and Params is not a subclass of "
            "lnlbench.interface.params.CleanSubsetParams, which says how large the subset is"
        )
    _check_quick_params(name, method)
    if (
        "clean_threshold" in params.model_fields
        and method.clean_threshold is Method.clean_threshold
    ):
        raise PluginRefused(
            f"method {name!r} has a parameter clean_threshold, but its selection would be measured "
            "at 0.5; define clean_threshold(self), which returns self.params.clean_threshold"
        )
    if not isinstance(method.recipes, dict):
        raise PluginRefused(f"method {name!r}: recipes is not a dict of name to lnlbench.Recipe")
    for key, recipe in method.recipes.items():
        if not isinstance(key, str) or not isinstance(recipe, Recipe):
            raise PluginRefused(f"method {name!r}: recipe {key!r} is not an lnlbench.Recipe")
        try:
            validate_params(name, params, recipe.params)
        except UsageError as error:
            raise PluginRefused(f"method {name!r}: recipe {key!r}: {error}") from error


def _check_quick_params(name: str, method: Any) -> None:
    from lnlbench.interface.params import validate_params

    quick = method.quick_params
    if not isinstance(quick, Mapping) or not all(isinstance(key, str) for key in quick):
        raise PluginRefused(
            f"method {name!r}: quick_params is {quick!r}, not a dict of parameters to values"
        )
    try:
        validate_params(name, method.Params, dict(quick))
    except UsageError as error:
        raise PluginRefused(f"method {name!r}: quick_params: {error}") from error
