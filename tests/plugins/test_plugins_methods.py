"""A method of a plugin that breaks the interface is refused by name, and the others stay."""

import pytest
from listed_plugins import HOOKED, REFERENCE, reasons, the_reason
from plugin_zoo import good_source, install, method_source

from lnlbench.plugins import load_plugins

NAMED = f"name = 'broken'\n{REFERENCE}"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (f"{HOOKED}def register_methods():\n    return [int]\n", "not a subclass of Method"),
        (f"{HOOKED}def register_methods():\n    return ['ce']\n", "'ce', not a subclass of Method"),
        (method_source(REFERENCE), "class Broken has no name"),
        (method_source(f"name = 7\n{REFERENCE}"), "class Broken has no name"),
        (method_source("name = 'broken'\n"), "'broken' has no reference"),
        (method_source("name = 'broken'\nreference = '  '\n"), "'broken' has no reference"),
        (method_source(f"name = 'Broken'\n{REFERENCE}"), "'Broken' is not lower-case"),
        (method_source(f"name = 'bro_ken'\n{REFERENCE}"), "'bro_ken' is not lower-case"),
        (method_source(f"name = 'broken\\n'\n{REFERENCE}"), r"'broken\n' is not lower-case"),
        (method_source(f"name = '\\x1b[31mred'\n{REFERENCE}"), r"'\x1b[31mred' is not lower-case"),
        (method_source(f"{NAMED}networks = 0\n"), "networks is 0"),
        (method_source(f"{NAMED}networks = True\n"), "networks is True"),
        (method_source(f"{NAMED}oracle = 'noise_rate'\n"), "oracle is 'noise_rate'"),
        (method_source(f"{NAMED}Params = dict\n"), "Params is not a subclass"),
        (
            method_source(f"{NAMED}oracle = frozenset({{'clean_subset'}})\n"),
            "declares clean_subset, and Params is not a subclass",
        ),
        (
            method_source(f"{NAMED}class Params(lnlbench.Params, extra='allow'):\n    pass\n"),
            "Params has to refuse unknown keys",
        ),
        (
            method_source(f"{NAMED}class Params(lnlbench.Params):\n    keep: float\n"),
            "defaults do not validate: Parameter 'keep'",
        ),
        (
            method_source(
                f"{NAMED}class Params(lnlbench.Params):\n    keep: float = Field(2.0, le=1)\n"
            ),
            "defaults do not validate: Parameter 'keep'",
        ),
        (
            method_source(f"{NAMED}class Params(lnlbench.Params):\n    keep: object = object()\n"),
            "Unable to serialize",
        ),
        (method_source(f"{NAMED}recipes = ['native']\n"), "recipes is not a dict"),
        (method_source(f"{NAMED}recipes = {{'native': {{}}}}\n"), "recipe 'native' is not an"),
        (
            method_source(f"{NAMED}recipes = {{'native': lnlbench.Recipe(params={{'kep': 1}})}}\n"),
            "recipe 'native': Method 'broken' has no parameter 'kep'",
        ),
        (method_source(f"{NAMED}quick_params = 3\n"), "quick_params is 3, not a dict"),
        (
            method_source(f"{NAMED}quick_params = {{'warmup': 1}}\n"),
            "quick_params: Method 'broken' has no parameter 'warmup'",
        ),
        (
            method_source(
                f"{NAMED}class Params(lnlbench.Params):\n    clean_threshold: float = 0.7\n"
            ),
            "define clean_threshold(self)",
        ),
    ],
)
def test_a_method_that_breaks_the_interface_is_refused(site, source, reason):
    install(site, "lnlbench-a", source)
    plugins = load_plugins()
    found = the_reason(plugins, "lnlbench-a")
    assert reason in found
    assert found.isprintable()
    assert "broken" not in plugins.methods


def test_a_method_without_fit_or_loss_is_refused(site):
    body = "    name = 'broken'\n    reference = 'Nobody (2026)'\n"
    hook = "@lnlbench.hookimpl\ndef register_methods():\n    return [Broken]\n"
    for base, missing in (("Method", "fit(run)"), ("LossMethod", "loss(network, batch, epoch)")):
        name = f"lnlbench-{base.lower()}"
        install(site, name, f"import lnlbench\nclass Broken(lnlbench.{base}):\n{body}{hook}")
        assert f"'broken' does not define {missing}" in the_reason(load_plugins(), name)


def test_a_duplicate_method_is_refused_naming_both_distributions(site):
    install(site, "lnlbench-a", good_source("same", "first"))
    install(site, "lnlbench-b", good_source("same", "second", "builtin-method"))
    plugins = load_plugins()
    assert plugins.origins["same"].distribution == "lnlbench-a"
    assert plugins.origins["builtin-method"].distribution == "lnlbench"
    assert {"first", "second"} <= set(plugins.methods)
    same, builtin = reasons(plugins, "lnlbench-b")
    assert "'same' of lnlbench-b is already provided by lnlbench-a" in same
    assert "'builtin-method' of lnlbench-b is already provided by lnlbench;" in builtin
