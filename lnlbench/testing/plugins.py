"""Check everything that an installed plugin provides."""

from collections.abc import Iterator, Mapping
from typing import Any

from packaging.utils import canonicalize_name

from lnlbench.errors import unknown_name
from lnlbench.plugins import Plugins
from lnlbench.testing import examine_method
from lnlbench.testing.backbones import examine_backbone
from lnlbench.testing.datasets import examine_dataset
from lnlbench.testing.report import Finding, Report


def examine(
    plugins: Plugins, name: str, params: Mapping[str, Any], data: Mapping[str, Any]
) -> Iterator[Report]:
    """One report for each thing that a distribution provides, or for one method.

    `params` go to every method, and `data` to every data set.

    Raises:
        UsageError: no plugin has that name.
    """
    if name in plugins.methods:
        yield examine_method(plugins.methods[name], params)
        return
    wanted = canonicalize_name(name)
    refused = [each for each in plugins.errors if _is(each.origin.distribution, wanted)]
    if refused:
        advice = "plugins/checks.md says what makes a plugin refused."
        findings = [Finding("loading", "failed", each.reason, advice) for each in refused]
        yield Report(f"plugin {refused[0].origin}", findings)
    elif not any(_is(origin.distribution, wanted) for origin in plugins.loaded):
        names = [*plugins.methods, *(origin.distribution for origin in plugins.loaded)]
        raise unknown_name("plugin or method", name, names, "'lnlbench plugins' lists them.")
    for method, origin in plugins.origins.items():
        if _is(origin.distribution, wanted):
            yield examine_method(plugins.methods[method], params)
    for backbone, origin in plugins.backbone_origins.items():
        if _is(origin.distribution, wanted):
            yield examine_backbone(plugins.backbones[backbone])
    for dataset, origin in plugins.dataset_origins.items():
        if _is(origin.distribution, wanted):
            yield examine_dataset(plugins.datasets[dataset], data)


def _is(distribution: str, wanted: str) -> bool:
    return canonicalize_name(distribution) == wanted
