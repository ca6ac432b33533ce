"""Plugins and methods as plain values: all that can be said of them without running one."""

from typing import Any

from lnlbench.interface.described import describe_params
from lnlbench.plugins.registry import Catalogue, Origin


def method_summary(plugins: Catalogue, name: str) -> dict[str, Any]:
    """What the table of methods says of one."""
    method, origin = plugins.method(name), plugins.origins[name]
    return {
        "name": name,
        "networks": method.networks,
        "oracle": sorted(method.oracle),
        "recipes": sorted(method.recipes),
        "distribution": origin.distribution,
        "version": origin.version,
        "reference": method.reference,
    }


def method_details(plugins: Catalogue, name: str) -> dict[str, Any]:
    """All that can be said of a method without running it.

    Raises:
        UsageError: there is no method of that name.
    """
    method = plugins.method(name)
    recipes = {key: recipe.model_dump(mode="json") for key, recipe in method.recipes.items()}
    paragraph = (method.__doc__ or "").strip().split("\n\n")[0]
    return method_summary(plugins, name) | {
        "description": " ".join(paragraph.split()),
        "recipes": recipes,
        "parameters": describe_params(method.Params),
    }


def plugin_report(plugins: Catalogue) -> dict[str, list[dict[str, Any]]]:
    """Plain data on every plugin: `loaded` and its names, `failed` with the reason, `skipped`."""

    def provided(origins: dict[str, Origin], origin: Origin) -> list[str]:
        return sorted(name for name, place in origins.items() if place == origin)

    return {
        "loaded": [
            vars(origin)
            | {"methods": provided(plugins.origins, origin)}
            | {"backbones": provided(plugins.backbone_origins, origin)}
            | {"datasets": provided(plugins.dataset_origins, origin)}
            | {"tracks": provided(plugins.track_origins, origin)}
            for origin in plugins.loaded
        ],
        "failed": [vars(error.origin) | {"reason": error.reason} for error in plugins.errors],
        "skipped": [dict(vars(origin)) for origin in plugins.skipped],
    }
