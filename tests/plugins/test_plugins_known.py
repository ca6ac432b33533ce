"""What a plugin that is not installed would bring is answered with the plugin's name."""

import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from cli import call
from plugin_zoo import install, method_source

from lnlbench.errors import UsageError
from lnlbench.plugins import load_plugins
from lnlbench.plugins.known import DATASETS, METHODS, bringer, bringer_of_data

PLUGINS = Path(__file__).parents[2] / "plugins"


def registered(package, hook, monkeypatch):
    """The names of what a plugin of the repository registers itself by this hook."""
    monkeypatch.syspath_prepend(str(package))
    entry_points = tomllib.loads((package / "pyproject.toml").read_text())["project"][
        "entry-points"
    ]["lnlbench"]
    modules = [import_module(name) for name in entry_points.values()]
    found = [
        provided.name
        for module in modules
        if hasattr(module, hook)
        for provided in getattr(module, hook)()
    ]
    return tuple(sorted(found))


@pytest.mark.parametrize(
    ("hook", "known"), [("register_methods", METHODS), ("register_datasets", DATASETS)]
)
def test_the_table_holds_what_the_plugins_register(hook, known, monkeypatch):
    packages = sorted(file.parent for file in PLUGINS.glob("*/pyproject.toml"))
    found = {package.name: registered(package, hook, monkeypatch) for package in packages}
    assert len(found) >= 7
    assert {name: provided for name, provided in found.items() if provided} == known


@pytest.mark.usefixtures("core_alone")
@pytest.mark.parametrize("flag", ["--dataset", "--track"])
def test_a_data_set_of_a_known_plugin_names_the_plugin(flag, tmp_path):
    if flag == "--track":
        shown = call("tracks", "show", "digits", "--toml").out
        (tmp_path / "own.toml").write_text(shown.replace('"digits"', '"clothing1m"'))
        outcome = call("run", "--method", "ce", "--track", tmp_path / "own.toml")
    else:
        outcome = call("run", "--method", "ce", "--track", "digits", "--dataset", "clothing1m")
    assert outcome.code == 2
    assert "'clothing1m' is in lnlbench-web-noise" in " ".join(outcome.err.split())


@pytest.mark.usefixtures("core_alone")
def test_a_method_of_a_known_plugin_names_the_plugin_and_not_a_neighbor():
    outcome = call("run", "--method", "sce", "--track", "digits")
    assert outcome.code == 2
    assert "'sce' is in lnlbench-robust-losses" in outcome.err
    assert "pip install -e plugins/lnlbench-robust-losses" in outcome.err
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
    assert bringer_of_data("clothing") is None
