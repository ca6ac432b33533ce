"""A method of a plugin that is not installed is answered with the plugin's name."""

import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from cli import call
from plugin_zoo import install, method_source

from lnlbench.errors import UsageError
from lnlbench.plugins import load_plugins
from lnlbench.plugins.known import METHODS, bringer

PLUGINS = Path(__file__).parents[2] / "plugins"


def registered(package, monkeypatch):
    """The names of the methods that a plugin of the repository registers itself."""
    monkeypatch.syspath_prepend(str(package))
    entry_points = tomllib.loads((package / "pyproject.toml").read_text())["project"][
        "entry-points"
    ]["lnlbench"]
    modules = [import_module(name) for name in entry_points.values()]
    found = [
        method.name
        for module in modules
        if hasattr(module, "register_methods")
        for method in module.register_methods()
    ]
    return tuple(sorted(found))


def test_the_table_holds_what_the_plugins_register(monkeypatch):
    packages = sorted(file.parent for file in PLUGINS.glob("*/pyproject.toml"))
    found = {package.name: registered(package, monkeypatch) for package in packages}
    assert len(found) >= 6
    assert {name: methods for name, methods in found.items() if methods} == METHODS


def test_a_method_of_a_known_plugin_names_the_plugin_and_not_a_neighbor():
    outcome = call("run", "--method", "sce", "--track", "digits")
    assert outcome.code == 2
    assert "'sce' is in lnlbench-robust-losses" in outcome.err
    assert "pip install lnlbench-robust-losses" in outcome.err
    assert "Did you mean" not in outcome.err


def test_a_plugin_that_is_left_out_is_not_to_be_installed_again(tmp_path, monkeypatch):
    module = install(tmp_path, "lnlbench-robust-losses", method_source(""))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("LNLBENCH_PLUGINS", "none")
    with pytest.raises(UsageError, match=r"left out by LNLBENCH_PLUGINS: .*lnlbench-robust"):
        load_plugins().method("sce")
    sys.modules.pop(module, None)


def test_no_plugin_brings_a_method_that_does_not_exist():
    assert bringer("sces") is None
